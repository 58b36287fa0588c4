"""Is a fold app able to answer now?"""

from services.runtime.folding.app import FoldApp


def reasons(app: FoldApp) -> list[str]:
    """Why not, a sentence each; none when it is ready. A rebalance or a restore is a reason."""
    if not app.started:
        return ["starting"]
    if app.pulse.in_doubt():
        return ["the group has not been heard of: frozen or cut off, others may own the partitions by now"]
    if app.rebalancing:
        return ["partitions are being assigned"]
    if not app.tables.actives_ready:
        return [f"tables are being restored from their changelogs: {app.tables.recovery.progress()}"]
    return []
