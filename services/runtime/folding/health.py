"""Is a fold app able to answer now?"""

from services.runtime.folding.app import FoldApp


def reasons(app: FoldApp) -> list[str]:
    """Why not, a sentence each; none when it is ready. A rebalance or a restore is a reason."""
    if not app.started:
        return ["starting"]
    if app.pulse.in_doubt():
        return ["the group has not been heard of: frozen or cut off, others may own the partitions by now"]
    # First: to Faust a rebalance lasts until all is restored.
    if app.in_recovery and (progress := app.tables.recovery.progress()).total:
        return [f"tables are being restored from their changelogs: {progress}"]
    if app.rebalancing or not app.tables.actives_ready:
        return ["partitions are being assigned"]
    return []
