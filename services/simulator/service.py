"""What the simulated Twilio does with messages, apart from HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from services.runtime.config import Settings
from services.runtime.simulated import FaultSettings
from services.runtime.tenants.live import Tenants
from services.simulator import addresses, compose, content, creation, errors, moments, twiml
from services.simulator.accounts import Account, accounts_of
from services.simulator.asked import AskedErrors
from services.simulator.conversations import Conversations, Understood
from services.simulator.creation import Draft
from services.simulator.errors import Refusal
from services.simulator.faults import Dice
from services.simulator.files import Files
from services.simulator.forms import inbound_form
from services.simulator.holdings import Holdings
from services.simulator.lifecycle import Lifecycle
from services.simulator.message import Message
from services.simulator.plan import Circumstances, Plan, draw, undisturbed
from services.simulator.prices import Prices
from services.simulator.redaction import Redaction
from services.simulator.registrations import Registrations
from services.simulator.store import Origin, Store
from services.simulator.templates import Templates
from services.simulator.twiml import Reply
from services.simulator.webhooks import Delivery, Webhook, Webhooks
from services.simulator.written import Written


@dataclass(frozen=True)
class Created:
    """A message just created, and its life to come. `begin` it once the caller knows of the message."""

    message: Message
    plan: Plan


@dataclass(frozen=True)
class Inbound:
    """What an inbound message led to: the delivery, the sids of replies, and why replies were refused.

    `own_reply`: the sid of what Twilio itself answered to STOP, START or HELP.
    """

    message: Message
    delivery: Delivery
    own_reply: str | None
    replies: tuple[str, ...]
    refused: tuple[str, ...]


# No RCS there: its device, its carrier, or nobody has launched it.
_NO_RCS = frozenset({30046, 63035, 63036})


class Simulator:
    """Accounts, messages, and the endpoint at the other end."""

    def __init__(self, settings: Settings, tenants: Tenants) -> None:
        self.accounts = accounts_of(tenants)
        tenants.listen(lambda changed: self._opened(tenants, changed))
        self.dice = Dice(settings.simulator.faults)
        self.store = Store()
        self.webhooks = Webhooks(settings.simulator.signatures)
        self.lifecycle = Lifecycle(self.store, self.webhooks, self.accounts)
        self.conversations = Conversations()
        self.holdings = Holdings()
        self.asked = AskedErrors()
        self.files = Files()
        self.redaction = Redaction()
        self.templates = Templates()
        self.prices = Prices()
        self.registrations = Registrations()
        self.clock_file = settings.clock_skew_file
        self._webhook_url = settings.simulator.webhook_url
        self._shared_url = settings.simulator.shared_url
        self._faults = settings.simulator.faults
        self._public_callbacks = settings.simulator.public_callbacks
        self._posting = 0
        self._unbegun = 0
        # What products keep of their own.
        self.resets: list[Callable[[], Awaitable[None]]] = []

    def _opened(self, tenants: Tenants, names: frozenset[str]) -> None:
        """An account is Twilio's: it comes with its tenant here, and what changes of that one changes nothing there."""
        new = accounts_of({name: tenants[name] for name in names if name in tenants})
        self.accounts.update({sid: account for sid, account in new.items() if sid not in self.accounts})

    @property
    def pending(self) -> int:
        """Messages and inbound posts with something still to happen."""
        return self.lifecycle.pending + self._posting + self._unbegun

    def set_faults(self, faults: FaultSettings) -> None:
        self.dice.set(faults)

    async def reset(self) -> None:
        """As after the start: no messages, no deliveries, nothing remembered, the configured faults.

        The clock stays where it is: other services read it too.
        """
        await self.lifecycle.stop()
        self.store.clear()
        self.webhooks.forget()
        self.conversations.clear()
        self.holdings.clear()
        self.asked.clear()
        self.files.clear()
        self.redaction.clear()
        self.templates.clear()
        self.prices.clear()
        self.registrations.clear()
        self.dice.set(self._faults)
        for reset in self.resets:
            await reset()

    def create(self, account: Account, draft: Draft, origin: Origin = "api") -> Created | Refusal:
        """Create an outbound message, or say why Twilio would not. Its life starts with `begin`."""
        if refusal := creation.refuse(draft, account, self._public_callbacks) or self.asked.refusal(draft):
            return refusal
        if self.registrations.refuses(None if draft.service_sid else draft.sender, draft.to):
            return errors.NOT_REACHABLE.about(draft.to)
        given, by = content.variables(draft.content_variables), addresses.channel(draft.to)
        if refusal := self.templates.refuse(account.sid, draft.content_sid, given, by):
            return refusal
        if draft.sender and not self.conversations.pools.may_send(draft.service_sid, draft.sender):
            return errors.NOT_IN_POOL.about(draft.sender)
        pool = self.conversations.pools.get(draft.service_sid).numbers
        if draft.fallback and pool and not any(addresses.channel(one) == "rcs" for one in pool):
            return errors.FALLBACK_NEEDS_RCS
        sender = draft.sender or self._picked(account, draft)
        if self.conversations.blocks(draft.to, sender, draft.service_sid):
            return errors.OPTED_OUT
        self.conversations.speak(draft.to, sender, draft.service_sid)
        plan = draw(self.dice, self._circumstances(draft, sender))
        direction = "outbound-api" if origin in ("api", "flow") else "outbound-reply"
        if (template := self.templates.get(draft.content_sid)) is not None:
            draft = replace(draft, body=template.body(given))
        message = self.prices.billed(compose.outbound(account, draft, sender, direction, plan))
        self.store.add(message, origin, draft.params, draft.status_callback)
        self._unbegun += 1
        return Created(message, plan)

    def _picked(self, account: Account, draft: Draft) -> str:
        if (agent := self._by_rcs(draft)) is not None:
            return agent
        if draft.fallback:
            return draft.fallback
        pool = self.conversations.pools.senders(draft.service_sid or "", draft.to)
        return addresses.from_pool(draft.to, pool or account.senders)

    def _by_rcs(self, draft: Draft) -> str | None:
        """The RCS sender that a service tries first, for a number without a channel; None where it goes by SMS.

        Who is asked to end with an error of RCS has no such device. Not confirmed: what of a fallback callbacks show;
        here From alone, and the same message.
        """
        if addresses.channel(draft.to) != "sms" or self.asked.end(draft, "") in _NO_RCS:
            return None
        numbers = self.conversations.pools.get(draft.service_sid).numbers
        return next((one for one in numbers if addresses.channel(one) == "rcs"), None)

    def _circumstances(self, draft: Draft, sender: str) -> Circumstances:
        about = compose.circumstances(draft, self._outside_window(draft, sender), addresses.channel(sender))
        code = self.asked.end(draft, sender) or self.registrations.end(sender, draft.to, self.conversations.pools)
        # It fell back.
        fell = code in _NO_RCS and addresses.channel(sender) == "sms"
        return replace(about, undelivered=None if fell else code)

    def _outside_window(self, draft: Draft, sender: str) -> bool:
        at = draft.send_at if draft.scheduled and draft.send_at else moments.now()
        template = self.templates.get(draft.content_sid)
        opens = draft.content_sid is not None and (template is None or template.opens)
        if addresses.channel(draft.to) == "messenger":
            opens = False
        return not opens and self.conversations.outside_window(draft.to, sender, at)

    def begin(self, created: Created) -> asyncio.Event:
        """Start the message's life; the event is set once its first callback was answered."""
        self._unbegun -= 1
        return self.lifecycle.begin(created.message.sid, created.plan)

    async def receive(self, account: Account, written: Written) -> Inbound:
        """A person wrote to us: post the webhook, and send what its answer says.

        A MessageSid told before is the same message told again: the webhook alone is repeated.
        """
        again = written.extra.get("MessageSid", "") in self.store
        understood = self.conversations.recall(written) if again else self.conversations.hear(written)
        message = compose.inbound(account, written, understood.service_sid)
        form = inbound_form(message, written, understood.opt_out_type)
        if not again:
            self.store.add(message, "inbound", form, None)
        own_reply = self._reply_itself(account, message, understood)
        url = self._inbound_url(account, written.to)
        webhook = Webhook("inbound", message.sid, "received", url, account, form)
        delivery = self.webhooks.lose(webhook) if written.lost else await self.post(webhook)
        return self._answered(account, message, delivery, own_reply)

    async def post(self, webhook: Webhook) -> Delivery:
        """Post a webhook; until it is answered the simulator is not quiet."""
        self._posting += 1
        try:
            return await self.webhooks.post(webhook)
        finally:
            self._posting -= 1

    def _reply_itself(self, account: Account, heard: Message, understood: Understood) -> str | None:
        """Twilio's own answer passes every check: it goes to those who are blocked just now."""
        if understood.reply is None:
            return None
        draft = compose.reply_draft(heard, Reply(understood.reply, ()), "")
        plan = undisturbed(
            self.dice.faults.callback_delay_s,
            compose.circumstances(draft, outside_window=False, by=addresses.channel(heard.to)),
        )
        message = self.prices.billed(compose.outbound(account, draft, heard.to, "outbound-reply", plan))
        self.store.add(message, "opt_out_reply", draft.params, None)
        self.lifecycle.begin(message.sid, plan)
        return message.sid

    def senders(self, account: Account) -> list[str]:
        """All that it has: what its settings allow, what its services were given, and what was set for it."""
        pools = self.conversations.pools
        members = (one for sid in pools.sids(account.sid) for one in pools.get(sid).numbers)
        return list(dict.fromkeys((*account.senders, *members, *self.holdings.senders(account))))

    def _inbound_url(self, account: Account, ours: str) -> str:
        """Where an inbound message to this sender of ours is posted; connection overrides stay at the end.

        A Messaging Service answers for its numbers, unless it leaves that to them; a channel's sender for itself. Where
        Twilio would call nobody, since no URL was set, it is the URL of our settings.
        """
        service = self.conversations.pools.of(ours, ()) if addresses.channel(ours) == "sms" else None
        told = self.conversations.pools.get(service).settings
        url = told.get("inbound_request_url")
        if service is None or told.get("use_inbound_webhook_on_number"):
            url = self.holdings.inbound_url(account, ours)
        if url:
            return str(url)
        return self.webhook_url(account, "messages")

    def webhook_url(self, account: Account, kind: str) -> str:
        """The URL of our settings for this kind of webhook, with its connection overrides at the end."""
        base, hash_sign, overrides = self._webhook_url.partition("#")
        tenant = "" if self._shared_url else f"/{account.tenant}"
        return f"{base.rstrip('/')}/twilio{tenant}/{kind}{hash_sign}{overrides}"

    def _answered(self, account: Account, message: Message, delivery: Delivery, own_reply: str | None) -> Inbound:
        """Send the replies in the webhook's answer."""
        sids, refused = [], []
        try:
            replies = twiml.replies(delivery.content_type, delivery.body) if delivery.succeeded else ()
        except twiml.TwimlError as error:
            return Inbound(message, delivery, own_reply, (), (f"12100 {error}",))
        for reply in replies:
            created = self.create(account, compose.reply_draft(message, reply, delivery.webhook.url), "webhook_answer")
            if isinstance(created, Refusal):
                refused.append(f"{created.code} {created.message}")
            else:
                self.begin(created)
                sids.append(created.message.sid)
        return Inbound(message, delivery, own_reply, tuple(sids), tuple(refused))
