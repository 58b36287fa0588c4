"""Who asks the query API shows a token; what they may not see does not exist for them; whole numbers leave a trace."""

import json
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import aiohttp
import pytest
from aiohttp import web

from services.domain.audit import Asker, Audited, looked
from services.domain.messages.ladder import Delivery, Step
from services.domain.messages.timeline import Timeline
from services.domain.outbox.pauses import Pause, Pauses
from services.domain.results import CommandResult
from services.processor import queries
from services.processor.access import Access
from services.runtime.folding.lookup import Here, There
from services.runtime.tenants.files import Found
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.runtime.tokens import TokenSettings, digest, draw
from tests.processor.serving import serve

SID, PERSON, OURS = "SM" + "a" * 32, "+14155550123", "+14155550100"
AT = "2026-02-21T18:22:11.123Z"
NAMES = ("house", "house-unmasked", "acme", "acme-unmasked", "globex")
TOKENS = {name: f"the-token-of-{name}" for name in (*NAMES, "unknown")}
SAID = f"The 'To' number {PERSON} is not valid"


def token(name: str) -> TokenSettings:
    return TokenSettings(sha256=digest(TOKENS[name]), scope="unmasked" if name.endswith("unmasked") else "masked")


def tenant(monkeypatch: pytest.MonkeyPatch, *names: str) -> TenantSettings:
    monkeypatch.setenv("A_SECRET", "x")
    secret = {"env": "A_SECRET"}
    return TenantSettings.model_validate(
        {"account_sid": "AC" + "1" * 32, "auth_tokens": [secret], "contact_secret": secret}
        | {"tokens": {name: token(name).model_dump() for name in names}}
    )


def step(name: str, **other: Any) -> CommandResult:
    fields: dict[str, Any] = {
        "event_id": name,
        "tenant": "acme",
        "command_id": "order-1",
        "contact": "acme|1",
        "at": AT,
    }
    return CommandResult(**fields, step=name, terminal=name == "failed", **other)  # type: ignore[arg-type]


ROWS = {
    "delivery": [Delivery(tenant="acme", message_sid=SID, steps={"sent": Step(AT)}, from_=OURS, to=PERSON)],
    "commands": Timeline(
        tenant="acme", command_id="order-1",
        steps={"1": step("accepted"), "2": step("failed", reason=SAID, errors=[SAID], code=21211)},
    ),
    "pauses": Pauses(
        standing={scope: Pause(scope=scope, at=AT, by="ann", note=f"ask {PERSON}")
                  for scope in ("everything", "tenant acme", "sender globex +14155550200")},
    ),
    "suppression": None, "sessions": None, "numbers": None, "recent": None,
}  # fmt: skip
PATHS = (f"messages/{SID}", "commands/acme%7Corder-1", "ambiguous", "pauses/%7Cevery-1")


class Recorder:
    """Stands where the audit is written; `works` as long as Kafka takes it."""

    def __init__(self) -> None:
        self.works = True
        self.facts: list[Audited] = []

    async def looked(self, request: web.Request, grant: Any, tenants: Any) -> bool:
        if self.works:
            self.facts += [looked(one, AT, Asker(grant.name), request.path) for one in tenants]
        return self.works


class House(NamedTuple):
    """Two workers; the rows are on the first one."""

    owner: str
    other: str
    tenants: Tenants
    audit: Recorder


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> Any:
    async with AsyncExitStack() as stack:
        tenants, audit = Tenants({
            "acme": tenant(monkeypatch, "acme", "acme-unmasked"), "globex": tenant(monkeypatch, "globex"),
        }), Recorder()  # fmt: skip
        access = Access({name: token(name) for name in ("house", "house-unmasked")}, tenants)
        owner = await serve(stack, "owner", access, audit)
        doubt = Timeline(tenant="acme", command_id="order-2", steps={"1": step("ambiguous", reason=SAID)})
        monkeypatch.setattr(queries, "look_up", lambda app, *_: Here(ROWS) if app == "owner" else There(owner))
        monkeypatch.setattr(queries, "listed", lambda app, *_: [doubt] if app == "owner" else [])
        monkeypatch.setattr(queries, "peers", lambda app: [] if app == "owner" else [owner])
        monkeypatch.setattr(queries, "reasons", lambda _: [])
        yield House(owner, await serve(stack, "other", access, audit), tenants, audit)


async def ask(base: str, path: str, authorization: str | None, **headers: str) -> tuple[int, str]:
    sent = {**headers, **({"Authorization": authorization} if authorization is not None else {})}
    async with aiohttp.ClientSession() as session, session.get(f"{base}/v1/{path}", headers=sent) as answer:
        return answer.status, await answer.text()


async def show(base: str, path: str, name: str, **headers: str) -> tuple[int, str]:
    return await ask(base, path, f"Bearer {TOKENS[name]}", **headers)


@pytest.mark.parametrize("path", [*PATHS, "nothing/of/the/kind"])
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKENS['house']}", TOKENS["house"],
     f"Bearer {TOKENS['unknown']}", f"Bearer {TOKENS['house']}x", f"Bearer {digest(TOKENS['house'])}", "Bearer é"],
)  # fmt: skip
async def test_without_a_known_token_nothing_is_answered(house: House, path: str, authorization: str | None) -> None:
    for base in house[:2]:
        # To have been asked by a peer is no token.
        for headers in ({}, {"X-Switchboard-Passed-On": "1"}):
            status, text = await ask(base, path, authorization, **headers)
            assert status == 401
            assert "switchboard token new" in json.loads(text)["error"]
    assert house.audit.facts == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["house", "acme"])
async def test_numbers_are_masked_on_any_worker(house: House, path: str, name: str) -> None:
    for base in house[:2]:
        status, text = await show(base, path, name)
        assert status == 200
        assert "acme" in text
        assert PERSON not in text
        assert PERSON[1:] not in text
    assert house.audit.facts == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["house-unmasked", "acme-unmasked"])
async def test_whole_numbers_are_shown_once_it_is_told_that_they_are(house: House, path: str, name: str) -> None:
    house.audit.works = False
    for base in house[:2]:
        # Whoever says that the question was passed on is told of like anybody.
        for headers in ({}, {"X-Switchboard-Passed-On": "1"}) if base == house.owner else ({},):
            status, text = await show(base, path, name, **headers)
            assert status == 503
            assert PERSON not in text
    house.audit.works = True
    for count, base in enumerate(house[:2], start=1):
        status, text = await show(base, path, name)
        assert (status, PERSON in text) == (200, True)
        assert len(house.audit.facts) == count, "once, by the worker that answers"
    assert {(one.actor, one.action) for one in house.audit.facts} == {(name, "looked")}
    assert {one.tenant for one in house.audit.facts} <= {"acme", ""}


async def test_what_is_not_its_tenants_does_not_exist_for_a_token(house: House) -> None:
    missing = json.loads((await show(house.owner, "commands/globex%7Cnothing", "acme"))[1])
    for path in (f"messages/{SID}", "commands/acme%7Corder-1", "commands/%7Corder-1", "contacts/acme%7C1"):
        for base in house[:2]:
            status, text = await show(base, path, "globex")
            assert (status, json.loads(text)) == (404, missing)
    for base in house[:2]:
        assert json.loads((await show(base, "ambiguous", "globex"))[1]) == {"commands": []}
        told = json.loads((await show(base, "pauses/%7Cevery-1", "globex"))[1])
        assert [one["scope"] for one in told["pauses"]] == ["everything", "sender globex +14155550200"]
    # What names no tenant that is known is nobody's, but for who may see all.
    assert (await show(house.owner, "commands/%7Corder-1", "acme"))[0] == 404
    assert (await show(house.owner, "commands/%7Corder-1", "house"))[0] == 200


async def test_a_token_rotates_with_its_tenants_file(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "commands/acme%7Corder-1"
    both = {"acme": tenant(monkeypatch, "acme", "unknown"), "globex": tenant(monkeypatch, "globex")}
    house.tenants.take(Found({name: (said, ()) for name, said in both.items()}, None))
    assert [(await show(house.other, path, name))[0] for name in ("acme", "unknown", "acme-unmasked")] == [
        200,
        200,
        401,
    ]
    both["acme"] = tenant(monkeypatch, "unknown")
    house.tenants.take(Found({name: (said, ()) for name, said in both.items()}, None))
    assert [(await show(house.other, path, name))[0] for name in ("acme", "unknown")] == [401, 200]


def test_tokens_are_drawn_and_their_hash_is_all_that_the_settings_know() -> None:
    drawn = {draw() for _ in range(100)}
    assert len(drawn) == 100
    assert all(len(one) > 40 for one in drawn)
    with pytest.raises(ValueError, match="sha256"):
        TokenSettings(sha256=drawn.pop())
