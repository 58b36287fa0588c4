"""How fast the story went, read off both ends. Of the chapters nothing is told: there the clock is moved."""

import statistics
from collections.abc import Set
from datetime import datetime

from services.contract.messages import MESSAGES
from services.contract.outbound import RESULTS
from services.demo.log import Log
from services.demo.twilio import TwilioSide


def webhooks_per_second(side: TwilioSide, commands: Set[str]) -> float:
    """Of the messages of these commands, over the time from the first to the last one acknowledged."""
    sids = {message.sid for message in side.created if message.command_id in commands}
    times = sorted(one.at for one in side.posted if one.acknowledged and one.sid in sids)
    span = (times[-1] - times[0]).total_seconds() if times else 0.0
    return len(times) / span if span else 0.0


def produced_to_sent_s(log: Log, commands: Set[str]) -> tuple[float, float]:
    """The median and the 95th percentile, in seconds, from a command's record to its result `sent`."""
    produced: dict[str, int] = {}
    for entry in log.of(MESSAGES):
        produced.setdefault(entry.key.decode(errors="replace"), entry.written_ms)
    waits = [
        datetime.fromisoformat(entry.event["at"]).timestamp() - produced[entry.event["command_id"]] / 1000
        for entry in log.of(RESULTS)
        if entry.event["step"] == "sent" and entry.event["command_id"] in commands & produced.keys()
    ]
    if len(waits) < 2:
        return (waits[0], waits[0]) if waits else (0.0, 0.0)
    percentiles = statistics.quantiles(waits, n=100)
    return percentiles[49], percentiles[94]
