"""The commands for people against a processor's answers, under ids and with texts that anybody may choose."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from services.cli.main import app
from services.domain.compliance.concerns import Concern
from services.domain.compliance.registry import Unfit
from services.domain.consent.events import Suppression
from services.domain.gate.decide import decide
from services.domain.gate.question import Question
from services.domain.gate.receipt import Receipt
from services.domain.gate.view import View

SID = "SM" + "a" * 32


def step(name: str = "sent", **other: Any) -> dict[str, Any]:
    fields = {"at": "2026-02-21T18:22:11.123Z", "tenant": "acme", "step": name, "attempt": 1}
    return fields | {"reason": None, "message_sid": None, "code": None} | other


class Processor:
    """Answers from what it is given, by decoded key; notes every target that it was asked for, as it came."""

    def __init__(self) -> None:
        self.url = ""
        self.commands: dict[str, list[dict[str, Any]]] = {}
        self.messages: dict[str, dict[str, Any]] = {}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.doubts: list[dict[str, Any]] = []
        self.pauses: list[dict[str, Any]] = []
        # What another one folds: the kinds that it is asked for.
        self.elsewhere: set[str] = set()
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.raw_path)
        target = urlsplit(request.raw_path)
        kind, _, key = unquote(target.path).removeprefix("/v1/").partition("/")
        if kind in self.elsewhere:
            return web.json_response({"error": f"this worker does not fold {kind}; ask another"}, status=421)
        if kind == "ambiguous":
            return web.json_response({"commands": self.doubts})
        if kind == "pauses":
            return web.json_response({"pauses": self.pauses})
        if kind == "contacts":
            person = self.contacts.get(key)
            return web.json_response(person or {"error": "nothing"}, status=200 if person else 404)
        tenant, _, command_id = key.partition("|")
        steps = [one for one in self.commands.get(command_id, ()) if one["tenant"] == tenant]
        found: Any = {"tenant": tenant, "command_id": command_id, "steps": steps} if steps else None
        if kind == "messages":
            found, whose = self.messages.get(key), parse_qs(target.query).get("tenant")
            found = found if found and whose in (None, [found["tenant"]]) else None
        return web.json_response(found or {"error": "nothing"}, status=200 if found else 404)


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Processor]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    served, loop, up = Processor(), asyncio.new_event_loop(), threading.Event()

    async def serve() -> web.AppRunner:
        application = web.Application()
        application.router.add_get("/{any:.*}", served.answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        up.set()
        return runner

    serving = loop.create_task(serve())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    assert up.wait(10)
    yield served
    asyncio.run_coroutine_threadsafe(serving.result().cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def trace(processor: Processor, *arguments: str) -> Result:
    return ask(processor, "trace", *arguments)


@pytest.mark.parametrize("command_id", ["order-1#retry", "a%41", "a?tenant=b", "a/b", "a//b", "a+b", "[/x]", "../a"])
def test_any_command_id_is_asked_for_as_it_is(processor: Processor, command_id: str) -> None:
    processor.commands[command_id] = [step()]
    result = trace(processor, command_id)
    assert result.exit_code == 0, result.output
    assert "command sent" in result.output
    assert command_id in result.output


def test_an_unknown_id_is_named_as_it_is(processor: Processor) -> None:
    result = trace(processor, "no[/x]thing")
    assert result.exit_code == 1
    assert "no[/x]thing" in result.output


@pytest.mark.parametrize("reason", ["field [/x]: no such field", "[bold]loud", "[link=http://x]y[/link]"])
def test_a_reason_is_text_and_no_markup(processor: Processor, reason: str) -> None:
    processor.commands["order-1"] = [step("rejected", reason=reason)]
    assert reason in trace(processor, "order-1").output


def test_a_reason_gives_the_terminal_no_orders(processor: Processor) -> None:
    processor.commands["order-1"] = [step("rejected", reason="\x1b[2J\x1b]0;title\x07 \x9b2J")]
    assert not set(trace(processor, "order-1").output) & set("\x1b\x07\x9b")


def test_addresses_in_twilios_reasons_are_masked(processor: Processor) -> None:
    reason = "The 'To' number +14155550123 is not valid; ask jo@example.org"
    processor.commands["order-1"] = [step("failed", reason=reason, code=21211)]
    output = trace(processor, "order-1").output
    assert "21211" in output
    assert "+14155550123" not in output
    assert "jo@example.org" not in output


def test_a_command_shows_its_message_and_a_message_its_command(processor: Processor) -> None:
    processor.commands["order#1"] = [step(message_sid=SID), step("rejected", tenant="other")]
    processor.messages[SID] = {
        "message_sid": SID, "tenant": "acme", "command_id": "order#1", "status": "failed", "from": "+14155550100",
        "to": "+14155550123", "error_code": 30003, "error_category": "recipient", "remedy": "Try [/later].",
        "steps": {
            "undelivered": {"at": "2026-02-21T18:22:12.123Z", "error_code": 30008},
            "failed": {"at": "2026-02-21T18:22:12.123Z", "error_code": 30003},
        },
    }  # fmt: skip
    for arguments in ((SID,), ("order#1", "--tenant", "acme"), (SID, "--tenant", "acme")):
        output = trace(processor, *arguments).output
        assert "command sent" in output
        assert "message failed" in output
        assert "30008" in output, "a step that was overruled has its code"
        assert "30003 recipient: Try [/later]." in output
        assert "rejected" not in output, "another tenant's"
    # It is looked for in the log then, and no settings say where that is.
    assert trace(processor, SID, "--tenant", "other").exit_code == 2


def test_what_another_processor_folds_is_named_and_the_rest_is_shown(processor: Processor) -> None:
    sid = "SM" + "a" * 32
    processor.commands["order-1"] = [step(message_sid=sid)]
    processor.messages[sid] = {
        "tenant": "acme", "message_sid": sid, "command_id": "order-1", "from": "+1415•••••00", "to": "+1415•••••23",
        "status": "sent", "steps": {"sent": {"at": "2026-02-21T18:22:11.123Z", "error_code": None}},
    }  # fmt: skip
    processor.elsewhere = {"messages", "pauses"}
    shown = trace(processor, "order-1")
    assert shown.exit_code == 0, shown.output
    assert "command sent" in shown.output
    lacks = f"is not shown: the processor at {processor.url} cannot answer: this worker does not fold"
    assert f"The message {sid} {lacks} messages; ask another, by --url.\n" in shown.output
    said = ask(processor, "why", "order-1")
    assert f"What is paused now {lacks} pauses; ask another, by --url.\n" in said.output
    assert "Nothing was decided about order-1" in said.output
    processor.elsewhere = {"commands"}
    shown = trace(processor, sid)
    assert shown.exit_code == 0, shown.output
    assert "message sent" in shown.output
    assert f"The command order-1 {lacks} commands; ask another, by --url.\n" in shown.output


def test_tenants_that_use_one_id_are_told_apart(processor: Processor) -> None:
    processor.commands["order-1"] = [step(), step("failed", tenant="other"), step("rejected", tenant="")]
    for tenant, found in (("acme", "sent"), ("other", "failed")):
        output = trace(processor, "order-1", "--tenant", tenant).output
        assert [name for name in ("sent", "failed", "rejected") if f"command {name}" in output] == [found]
    # What names no tenant that there is stands on the results topic alone.
    assert "Nothing is known" in trace(processor, "order-1", "--tenant", "misspelt").output


def told(name: str, **other: Any) -> dict[str, Any]:
    """A step with a receipt, as the processor tells it."""
    question = Question(
        tenant="acme", channel="sms", sender="+14155550100", scopes=["sender:+14155550100"], template=False,
        not_after="2026-02-22T00:00:00.000Z",
    )  # fmt: skip
    view = View(now="2026-02-21T18:22:11.123Z", **other)
    verdict = decide(question, view)
    receipt = msgspec.to_builtins(Receipt(question=question, view=view, offsets={"twilio.inbound.v1": 7}))
    return step(name, receipt=receipt, category=verdict.rule, reason=verdict.reason or None)


def ask(processor: Processor, *arguments: str) -> Result:
    words = [*arguments, "--url", processor.url]
    if words[0] in ("trace", "why") and "--tenant" not in words:
        words += ["--tenant", "acme"]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_why_shows_what_the_gate_saw_and_agrees(processor: Processor) -> None:
    stopped = {"sender:+14155550100": Suppression(since="2026-02-20T00:00:00.000Z", evidence="e1", source="keyword")}
    processor.commands["order-1"] = [told("blocked", suppressed=stopped)]
    result = ask(processor, "why", "order-1")
    assert result.exit_code == 0, result.output
    assert "e1" in result.output
    assert "twilio.inbound.v1@7" in result.output


def test_why_shows_what_does_not_fit_and_what_was_put_to_the_text(processor: Processor) -> None:
    unfit = Unfit(
        sender="MG1", kind="long_code", state="refused", at="2026-02-20T00:00:00.000Z", status="FAILED", sid="QE1"
    )
    processor.commands["order-1"] = [told("blocked", unfit=unfit)]
    assert "its campaign QE1 is FAILED" in ask(processor, "why", "order-1").output
    concerns = [Concern(kind="link", told="it has a link"), Concern(kind="stop_text", told="no way out", blocks=True)]
    processor.commands["order-2"] = [told("blocked", concerns=concerns, appended="Reply STOP")]
    output = ask(processor, "why", "order-2").output
    assert all(words in output for words in ("it has a link", "no way out (blocks)", "Reply STOP"))


def test_why_shows_what_is_paused_while_a_command_waits(processor: Processor) -> None:
    reason = "paused: tenant acme, by ann at 2026-02-21T18:22:11.123Z"
    waits = step("deferred", category="pause", receipt=None, reason=reason)
    processor.commands["order-1"] = [step("accepted"), waits]
    processor.commands["order-2"] = [step("accepted"), step("expired", terminal=True, receipt=None)]
    said = {"at": "2026-02-21T18:22:11.123Z", "by": "ann", "note": "[wrong] price", "cause": None}
    scopes = ("everything", "tenant acme", "label acme spring", "tenant zeta")
    processor.pauses = [{**said, "scope": scope} for scope in scopes]
    result = ask(processor, "why", "order-1")
    assert result.exit_code == 0, result.output
    words = " ".join(result.output.split())
    assert f"deferred: {reason} it waits" in words
    for scope in scopes[:3]:
        assert f"paused now: {scope}, since 2026-02-21T18:22:11.123Z, by ann: [wrong] price" in words
    assert "zeta" not in words
    assert "paused now" not in ask(processor, "why", "order-2").output


def test_why_says_so_when_the_gate_would_say_otherwise_now(processor: Processor) -> None:
    processor.commands["order-1"] = [told("attempted") | {"step": "blocked", "category": "suppressed"}]
    result = ask(processor, "why", "order-1")
    assert result.exit_code == 1
    assert "otherwise now" in result.output


def test_why_of_what_was_never_judged_or_cannot_be_read(processor: Processor) -> None:
    processor.commands["order-1"] = [step("rejected")]
    assert ask(processor, "why", "order-1").exit_code == 1
    processor.commands["order-2"] = [step("blocked", receipt={"of": "another version"}, category=None)]
    result = ask(processor, "why", "order-2")
    assert result.exit_code == 1
    assert "another version" in result.output


CONTACT = "acme|" + "0" * 32
DOUBT = {
    "command_id": "order-1",
    "tenant": "acme",
    "contact": CONTACT,
    "at": "2026-02-21T18:22:11.123Z",
    "reason": "5xx",
}


def test_ambiguous_commands_are_listed_and_shown(processor: Processor) -> None:
    processor.doubts = [DOUBT | {"reason": "no answer for +14155550123"}]
    result = ask(processor, "ambiguous", "list")
    assert "order-1" in result.output
    assert "+14155550123" not in result.output + ask(processor, "ambiguous", "show", "order-1").output
    assert ask(processor, "ambiguous", "show", "order-2").exit_code == 1


@pytest.mark.parametrize(
    "words",
    [[], ["--sent", ""], ["--sent", "SM123"], ["--sent", "FN123"], ["--sent", SID, "--not-sent"]],
    ids=["nothing", "an empty sid", "no sid", "no execution's", "both"],
)
def test_a_resolution_that_says_nothing_clear_is_refused(processor: Processor, words: list[str]) -> None:
    processor.doubts = [DOUBT]
    assert ask(processor, "ambiguous", "resolve", "order-1", *words).exit_code == 2


def test_a_resolution_names_whose_command_where_several_have_its_id(processor: Processor) -> None:
    processor.doubts = [DOUBT, DOUBT | {"contact": "acme|" + "1" * 32}]
    result = ask(processor, "ambiguous", "resolve", "order-1", "--not-sent")
    assert result.exit_code == 2
    assert "--contact" in result.output


def test_a_contact_is_shown_by_its_key(processor: Processor) -> None:
    mark = {"at": "2026-02-21T18:22:11.123Z", "evidence": "e1", "source": "keyword"}
    processor.contacts[CONTACT] = {
        "contact": CONTACT, "linked": [], "awaiting_dates": [], "suspected": {}, "also_stopped": {}, "holds": [],
        "windows": {"whatsapp:+14155550100": "2026-02-22T18:22:11.123Z"},
        "unreachable": {"sms": {"until": "2026-02-28T18:22:11.123Z"}},
        "failures": [{"at": "2026-02-21T18:22:11.123Z", "channel": "sms", "code": 30003, "message_sid": "SM2"}],
        "suppressed": {"sender:+14155550100": {}}, "opt_outs": {"sender:+14155550100": {"SM1": mark}}, "opt_ins": {},
        "line": {"type": "landline", "carrier": "Bell", "at": "2026-02-20T10:00:00.000Z", "error": None},
        "deactivated_at": "2026-02-19T23:59:59.999Z",
        "recent": [{"at": "2026-02-21T18:22:11.123Z", "what": "received", "ours": "+14155550100", "message_sid": "SM1",
                    "command_id": None, "error_code": None}],
    }  # fmt: skip
    result = ask(processor, "contact", CONTACT)
    assert result.exit_code == 0, result.output
    assert "may not be written to" in result.output
    assert "e1" in result.output
    assert "left alone by sms until 2026-02-28" in result.output
    assert "30003" in result.output
    assert "line: landline, Bell" in result.output
    assert "took the number back on 2026-02-19" in result.output
    assert ask(processor, "contact", "acme|" + "2" * 32).exit_code == 1
