"""Flows with every revision of theirs, in memory until a reset."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.simulator import moments
from services.simulator.paging import Resource
from services.simulator.studio.definition import Definition, faults

HOST = "webhooks.twilio.com"


@dataclass(frozen=True)
class Revision:
    """One state of a flow. `status` is draft or published; revisions count from 1."""

    number: int
    status: str
    friendly_name: str
    definition: Definition
    commit_message: str | None
    author_sid: str | None
    created_at: datetime

    @property
    def errors(self) -> list[dict[str, str]]:
        return faults(self.definition)


@dataclass(frozen=True)
class Flow:
    sid: str
    account_sid: str
    revisions: tuple[Revision, ...]
    test_users: tuple[str, ...] = ()

    @property
    def latest(self) -> Revision:
        return self.revisions[-1]

    @property
    def published(self) -> Revision | None:
        return next((one for one in reversed(self.revisions) if one.status == "published"), None)

    @property
    def webhook_url(self) -> str:
        return f"https://{HOST}/v1/Accounts/{self.account_sid}/Flows/{self.sid}"

    def revision(self, named: str) -> Revision | None:
        """By number, or `LatestPublished`, or `LatestRevision`."""
        if named == "LatestPublished":
            return self.published
        if named == "LatestRevision":
            return self.latest
        return next((one for one in self.revisions if str(one.number) == named), None)

    def for_contact(self, address: str) -> Revision | None:
        """What somebody walks through: a test user the latest revision, all others the latest that was published."""
        return self.latest if address in self.test_users else self.published


@dataclass
class Flows:
    """Flows by sid, in order of creation."""

    _flows: dict[str, Flow] = field(default_factory=dict)

    def clear(self) -> None:
        self._flows.clear()

    def of_account(self, account_sid: str) -> list[Flow]:
        """Newest first."""
        return [one for one in reversed(self._flows.values()) if one.account_sid == account_sid]

    def find(self, account_sid: str, sid: str) -> Flow | None:
        flow = self._flows.get(sid)
        return flow if flow is not None and flow.account_sid == account_sid else None

    def create(self, account_sid: str, revision: Revision) -> Flow:
        return self.put(Flow(f"FW{secrets.token_hex(16)}", account_sid, (revision,)))

    def put(self, flow: Flow) -> Flow:
        self._flows[flow.sid] = flow
        return flow

    def revise(self, flow: Flow, revision: Revision) -> Flow:
        return self.put(replace(flow, revisions=(*flow.revisions, replace(revision, number=flow.latest.number + 1))))

    def set_test_users(self, flow: Flow, users: Sequence[str]) -> Flow:
        return self.put(replace(flow, test_users=tuple(users)))

    def delete(self, flow: Flow) -> None:
        del self._flows[flow.sid]


def flow_json(flow: Flow, base: str, listed: bool = False) -> Resource:
    """Twilio's JSON of a flow, which is that of its latest revision. A list leaves the definition out."""
    url = f"{base}/{flow.sid}"
    links = {"test_users": f"{url}/TestUsers", "revisions": f"{url}/Revisions", "executions": f"{url}/Executions"}
    more = {"warnings": [], "webhook_url": flow.webhook_url, "links": links, "url": url}
    first = {"date_created": iso(flow.revisions[0].created_at)}
    return {**revision_json(flow, flow.latest, base, listed), **more, **first}


def revision_json(flow: Flow, revision: Revision, base: str, listed: bool = False) -> Resource:
    return {
        "sid": flow.sid, "account_sid": flow.account_sid, "author_sid": revision.author_sid,
        "friendly_name": revision.friendly_name, "definition": None if listed else revision.definition,
        "status": revision.status, "revision": revision.number, "commit_message": revision.commit_message,
        "valid": None if listed else not revision.errors, "errors": None if listed else revision.errors,
        "date_created": iso(revision.created_at), "date_updated": iso(revision.created_at),
        "url": f"{base}/{flow.sid}/Revisions/{revision.number}",
    }  # fmt: skip


def revised(status: str, name: str, definition: Definition, message: str | None, author: str | None) -> Revision:
    """The first revision of a new flow, now."""
    return Revision(1, status, name, definition, message, author, moments.now())


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
