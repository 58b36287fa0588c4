"""A command that keys people by another contact secret would find strangers, who never said no: none does."""

from pathlib import Path

import pytest

from services.contract.consent import CONSENT_COMMANDS
from services.contract.topics import EVENTS
from tests.switchboard import switchboard

from .house import PERSON, House, Twilio, on_the_log

pytestmark = pytest.mark.timeout(240)

PEOPLE = "people.csv"
ASKS = {
    "backfill": ("backfill", "--tenant", "acme", "--apply"),
    "import": ("consent", "import", PEOPLE, "--tenant", "acme", "--action", "opt_in", "--source", "old", "--apply"),
    "contact": ("contact", PERSON, "--tenant", "acme"),
    "letters": ("dead", "list", "--contact", PERSON, "--tenant", "acme"),
    "replay": ("replay", "--contact", PERSON, "--tenant", "acme", "--apply"),
}
OTHERS = {
    "contact_secret": {"TEST_CONTACT_SECRET": "another one"},
    "no broker": {"SWITCHBOARD_KAFKA__BOOTSTRAP": "127.0.0.1:1"},
}


@pytest.mark.parametrize("wrong", OTHERS)
@pytest.mark.parametrize("asked", ASKS)
async def test_who_is_not_known_to_be_the_tenant_keys_nobody(
    house: House, twilio: Twilio, tmp_path: Path, asked: str, wrong: str
) -> None:
    await twilio.hear("hello", lost=True)
    people = tmp_path / PEOPLE
    people.write_text(f"address,given_at\n{PERSON},2026-01-01T00:00:00Z\n")
    before = len(await on_the_log(house, *EVENTS, CONSENT_COMMANDS))
    words = [str(people) if word == PEOPLE else word for word in ASKS[asked]]
    said = await switchboard(house.settings, *words, code=None, **OTHERS[wrong])
    assert said.code in (1, 2), said.text
    if wrong == "contact_secret":
        assert "acme: contact_secret is not the one that this log knows the tenant by" in said.text
    elif asked == "backfill":
        # It looks at the topics before it asks who the tenant is.
        assert said.text.startswith("no Kafka answers at 127.0.0.1:1; check")
    else:
        assert "acme: whether contact_secret is the right one is not known: Kafka cannot say" in said.text
    assert len(said.text.splitlines()) == 1, said.text
    assert len(await on_the_log(house, *EVENTS, CONSENT_COMMANDS)) == before
