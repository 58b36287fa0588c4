"""What the simulated Twilio does with messages, apart from HTTP."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.runtime.config import FaultSettings, Settings
from services.simulator import addresses, compose, creation, errors, twiml
from services.simulator.accounts import Account, accounts_of
from services.simulator.creation import Draft
from services.simulator.errors import Refusal
from services.simulator.faults import Dice
from services.simulator.forms import Medium, inbound_form
from services.simulator.lifecycle import Lifecycle
from services.simulator.message import Message
from services.simulator.optouts import OptOuts
from services.simulator.plan import Plan, draw
from services.simulator.store import Store
from services.simulator.webhooks import Delivery, Webhook, Webhooks


@dataclass(frozen=True)
class Created:
    """A message just created, and its life to come. `begin` it once the caller knows of the message."""

    message: Message
    plan: Plan


@dataclass(frozen=True)
class Inbound:
    """What an inbound message led to: the delivery, the sids of replies, and why replies were refused."""

    message: Message
    delivery: Delivery
    replies: tuple[str, ...]
    refused: tuple[str, ...]


class Simulator:
    """Accounts, messages, and the endpoint at the other end."""

    def __init__(self, settings: Settings) -> None:
        self.accounts = accounts_of(settings.tenants)
        self.dice = Dice(settings.simulator.faults)
        self.store = Store()
        self.webhooks = Webhooks()
        self.lifecycle = Lifecycle(self.store, self.webhooks, self.accounts)
        self._optouts = OptOuts()
        self._webhook_url = settings.simulator.webhook_url
        self._faults = settings.simulator.faults
        self._posting = 0
        self._unbegun = 0

    @property
    def pending(self) -> int:
        """Messages and inbound posts with something still to happen."""
        return self.lifecycle.pending + self._posting + self._unbegun

    def set_faults(self, faults: FaultSettings) -> None:
        self.dice.set(faults)

    async def reset(self) -> None:
        """As after the start: no messages, no deliveries, no opt-outs, the configured faults."""
        await self.lifecycle.stop()
        self.store.clear()
        self.webhooks.forget()
        self._optouts.clear()
        self.dice.set(self._faults)

    def create(self, account: Account, draft: Draft, direction: str = "outbound-api") -> Created | Refusal:
        """Create an outbound message, or say why Twilio would not. Its life starts with `begin`."""
        if refusal := creation.refuse(draft, account):
            return refusal
        sender = draft.sender or addresses.from_pool(draft.to, account.senders)
        if self._optouts.blocks(draft.to, sender):
            return errors.OPTED_OUT
        plan = draw(self.dice, compose.circumstances(draft))
        message = compose.outbound(account, draft, sender, direction, plan)
        self.store.add(message, draft.params, draft.status_callback)
        self._unbegun += 1
        return Created(message, plan)

    def begin(self, created: Created) -> asyncio.Event:
        """Start the message's life; the event is set once its first callback was answered."""
        self._unbegun -= 1
        return self.lifecycle.begin(created.message.sid, created.plan)

    async def receive(
        self, account: Account, text: Mapping[str, str], media: Sequence[Medium], extra: Mapping[str, str]
    ) -> Inbound:
        """A person wrote to us: post the webhook, and send what its answer says. `text`: from, to, body."""
        message = compose.inbound(account, text, tuple(url for url, _ in media), extra.get("MessageSid"))
        form = inbound_form(message, media, extra)
        self.store.add(message, form, None)
        self._optouts.hear(message.sender, message.to, message.body)
        url = self._inbound_url(account)
        webhook = Webhook("inbound", message.sid, "received", url, account.signing_token, form)
        self._posting += 1
        try:
            delivery = await self.webhooks.post(webhook)
        finally:
            self._posting -= 1
        return self._answered(account, message, delivery)

    def _inbound_url(self, account: Account) -> str:
        """The webhook's URL; connection overrides in the setting stay at the end."""
        base, hash_sign, overrides = self._webhook_url.partition("#")
        return f"{base.rstrip('/')}/twilio/{account.tenant}/messages{hash_sign}{overrides}"

    def _answered(self, account: Account, message: Message, delivery: Delivery) -> Inbound:
        """Send the replies in the webhook's answer."""
        sids, refused = [], []
        try:
            replies = twiml.replies(delivery.content_type, delivery.body) if delivery.succeeded else ()
        except twiml.TwimlError as error:
            return Inbound(message, delivery, (), (f"12100 {error}",))
        for reply in replies:
            created = self.create(account, compose.reply_draft(message, reply, delivery.webhook.url), "outbound-reply")
            if isinstance(created, Refusal):
                refused.append(f"{created.code} {created.message}")
            else:
                self.begin(created)
                sids.append(created.message.sid)
        return Inbound(message, delivery, tuple(sids), tuple(refused))
