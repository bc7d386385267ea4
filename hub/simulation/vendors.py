"""Simulated vendors: each a spoke that answers commands by its character and tells what happens later, and the house behind it."""

import asyncio
from collections.abc import Mapping

from hub.simulation.back_room import BackRoom
from hub.simulation.broker import Broker
from hub.simulation.characters import DEATH, PONDER, REBOOT, SLEEP, Character
from hub.simulation.house import Decision, House, Units, parcels
from hub.simulation.lies import lie
from hub.simulation.memory import Fact, SpokeMemory, made
from hub.simulation.nature import EPOCH, Nature
from hub.simulation.streams import Delivery
from vendor_sdk import dead_letter, ports
from vendor_sdk.envelope import Command, Event, Unreadable, carried, event_headers, read_command
from vendor_sdk.messages import (
    COMMAND_ID,
    Authorize,
    Cancel,
    Declined,
    Delivered,
    Inspect,
    Message,
    Pending,
    Recall,
    Recalled,
    Refused,
    Release,
    Reserve,
    Restock,
    Ship,
    Shortfall,
    Submit,
    Track,
    encode,
)
from vendor_sdk.subjects import kind_of

NAK_DELAY_MAX = 60.0
FACT_RETRY = (0.5, 10.0)
"""Seconds until a fact that the broker may not have taken is told again,"""
FACT_RETRY_DOWN = (30.0, 600.0)
"""and while the broker is down."""


class Vendor:
    """`house` is what is true, `told` the events that it published or tried to; `lied` the sub-orders of which some were lies."""

    def __init__(self, nature: Nature, broker: Broker, code: str, character: Character, stock: Units | None = None) -> None:
        self.code = code
        self.character = character
        self.house = House(stock or {})
        self.back_room = BackRoom(nature.seed, self.house)
        self.memory = SpokeMemory()
        self.online = False
        self.left_at = nature.unix()
        """When it was last there, if it is not (virtual unix seconds)."""
        self.lied: dict[str, None] = {}
        self.told = 0
        self._nature = nature
        self._broker = broker
        self._boot = 0
        self._deadly: dict[str, None] = {}
        self._unsent: dict[str, Fact] = {}
        self._ships: dict[str, str] = {}
        """The command to ship, by sub-order."""
        self._purpose = f"vendor {code}"

    def start(self) -> None:
        """Be there."""
        self.online = True
        self._broker.serve(self.code, self._take)
        unsent, self._unsent = self._unsent, {}
        for fact in unsent.values():
            self._tell_later(fact)

    def away(self, seconds: float, why: str) -> None:
        """The spoke is gone, with all that it had in hand, and back after so many seconds."""
        if not self.online:
            return
        self.online = False
        self.left_at = self._nature.unix()
        self._boot += 1
        self._broker.absent(self.code)
        if self._nature.telling:
            self._nature.tell(f"{self.code} {why}, for {seconds:.0f} s")
        asyncio.get_running_loop().call_later(seconds, self.start)

    def prone(self, fault: str) -> bool:
        """Whether a fault strikes this vendor now."""
        return fault in self.character.prone and self._nature.strikes(fault)

    def publish(self, event: Event) -> bool:
        """Whether the broker said that it has the event."""
        self.told += 1
        return self.say(event.kind, event_headers(event), event.body)

    def say(self, kind: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Publish anything at all."""
        if self._nature.telling:
            self._nature.tell(f"{self.code} says {kind} of {headers.get(COMMAND_ID)}: {body[:120].decode('utf-8', 'replace')}")
        return self._broker.tell(self.code, kind, headers, body)

    def _take(self, delivery: Delivery) -> None:
        if self.prone("vendor_sleeps"):
            self.away(self._nature.seconds("sleep", *SLEEP), "falls asleep")
            return
        if self.prone("vendor_dies"):
            self.away(self._nature.seconds("death", *DEATH), "dies")
            return
        think = self._nature.seconds(self._purpose, *self.character.think)
        asyncio.get_running_loop().call_later(think, self._answer, delivery, self._boot)

    def _answer(self, delivery: Delivery, boot: int) -> None:
        if boot != self._boot:
            return  # the spoke that had it in hand is no more
        try:
            command = read_command(self.code, delivery.subject, delivery.headers, delivery.data)
        except Unreadable as error:
            self._bury(delivery, error.code, str(error))
            return
        now = self._nature.unix()
        known, anew = self.memory.look(command, now)
        for fact in anew:
            self._tell_later(fact)
        if isinstance(known, Event):
            event = known
        elif known is not None and (refusal := ports.refusal(command.body, known, "undone before it was done")) is not None:
            event = self.memory.record(command, refusal, [])
        elif command.deadline is not None and command.deadline <= now and not isinstance(command.body, Release | Recall | Cancel):
            delivery.term()
            return
        elif (done := self._attempt(delivery, command, now)) is not None:
            event = done
        else:
            return
        if self.publish(event):
            delivery.accept()
            lie(self, self._nature, command, event)

    def _attempt(self, delivery: Delivery, command: Command, now: float) -> Event | None:
        """Have it done and noted; None if there is no answer this time."""
        if command.id in self._deadly or self.prone("vendor_dies_of_it"):
            self._deadly[command.id] = None
            self.away(self._nature.seconds("reboot", *REBOOT), f"is killed by {command.id}")
            return None
        if self.prone("vendor_busy"):
            delivery.nak(min(NAK_DELAY_MAX, 2.0 ** (delivery.num_delivered - 1)))
            return None
        if self.prone("vendor_gives_up"):
            self._bury(delivery, "failed", "the vendor's system makes no sense of it", command)
            return None
        answer, facts = self._do(command, now)
        if answer is None:
            self._bury(delivery, "rejected", "there is nothing to be sent", command)
            return None
        if self.prone("vendor_crashes"):
            self.away(self._nature.seconds("reboot", *REBOOT), f"crashes before it has noted {command.id}")
            return None
        event = self.memory.record(command, answer, facts)
        for fact in facts:
            self._tell_later(fact)
        return event

    def _do(self, command: Command, now: float) -> tuple[Message | None, list[Fact]]:
        """The house's answer, and what is to be told after it."""
        body, house = command.body, self.house
        answer: Message | None
        facts: list[Fact] = []
        match body:
            case Reserve():
                answer = self._reserve(command, body, now)
            case Release():
                answer = house.release(command.id, body.sub_order_id)
            case Submit():
                answer, facts = self._submit(command, body, now)
            case Recall():
                answer = house.recall(command.id, body.sub_order_id, now)
                if isinstance(answer, Recalled):
                    self.memory.withdraw(body.submit_command_id)
                    self.memory.withdraw(self._ships.get(body.sub_order_id, ""))
            case Ship():
                answer, facts = self._ship(command, body, now)
            case Track():
                answer = house.track(body.sub_order_id, now)
            case Authorize() | Inspect() | Cancel() | Restock():
                answer = self._take_back(command, body, now)
        return answer, facts

    def _reserve(self, command: Command, body: Reserve, now: float) -> Message:
        if command.id not in self.house.done and self.prone("vendor_refuses"):
            return Refused(sub_order_id=body.sub_order_id, reason="not_for_you")
        if command.id not in self.house.done and self.prone("vendor_refuses_partly"):
            short = [Shortfall(sku=body.items[0].sku, quantity=1)]
            return Refused(sub_order_id=body.sub_order_id, reason="out_of_stock", short=short)
        return self.house.reserve(command.id, body.sub_order_id, body.items, now, body.expires_at.timestamp())

    def _take_back(self, command: Command, body: Authorize | Inspect | Cancel | Restock, now: float) -> Message:
        room = self.back_room
        match body:
            case Authorize():
                return room.authorize(body, now)
            case Inspect():
                return room.inspect(body, now)
            case Cancel():
                return room.cancel(body)
            case Restock():
                return room.restock(command.id, body)

    def _submit(self, command: Command, body: Submit, now: float) -> tuple[Message, list[Fact]]:
        decision = Decision(yes=True, at=now)
        if body.sub_order_id not in self.house.purchases:  # thought about once
            if self.prone("vendor_declines"):
                decision = Decision(yes=False, at=now)
            elif self.prone("vendor_declines_late"):
                decision = Decision(yes=False, at=now + self._nature.seconds("ponder", *PONDER))
            elif self.prone("vendor_ponders"):
                decision = Decision(yes=True, at=now + self._nature.seconds("ponder", *PONDER))
            if decision.yes and self.prone("vendor_accepts_partly"):
                decision = decision._replace(short=True)
        answer = self.house.submit(command.id, body.sub_order_id, body.items, now, decision)
        if not isinstance(answer, Pending):
            return answer, []
        decision = self.house.purchases[body.sub_order_id].decision
        asyncio.get_running_loop().call_at(decision.at - EPOCH, self.house.decide, body.sub_order_id, decision.at)
        if not self.character.pushes:
            return answer, []
        later = self.house.accepted(body.sub_order_id) if decision.yes else Declined(sub_order_id=body.sub_order_id, reason="no_thanks")
        kind = ports.answer_kind(command.kind, later)
        return answer, [Fact(made(command, kind, later), decision.at)]

    def _ship(self, command: Command, body: Ship, now: float) -> tuple[Message | None, list[Fact]]:
        leaves_at = now + self._nature.seconds(f"{self._purpose} ships", *self.character.ship)
        arrives_at = leaves_at + self._nature.seconds(f"{self._purpose} delivers", *self.character.deliver)
        lost = command.id not in self.house.done and self.prone("vendor_loses_parcel")
        answer = self.house.ship(command.id, body.sub_order_id, now, leaves_at, None if lost else arrives_at)
        if answer is None:
            return None, []
        self._ships[body.sub_order_id] = command.id
        purchase, facts, loop = self.house.purchases[body.sub_order_id], list[Fact](), asyncio.get_running_loop()
        if isinstance(answer, Pending) and purchase.leaves_at is not None:
            loop.call_at(purchase.leaves_at - EPOCH, self.house.leave, body.sub_order_id, purchase.leaves_at)
            facts.append(Fact(made(command, "shipping.shipped", parcels(body.sub_order_id)), purchase.leaves_at))
        if purchase.arrives_at is not None:
            loop.call_at(purchase.arrives_at - EPOCH, self.house.track, body.sub_order_id, purchase.arrives_at)
            facts.append(Fact(made(command, "shipping.delivered", Delivered(sub_order_id=body.sub_order_id)), purchase.arrives_at))
        return answer, facts if self.character.pushes else []

    def _tell_later(self, fact: Fact, again_in: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(max(loop.time() + again_in, fact.due_at - EPOCH), self._tell, fact)

    def _tell(self, fact: Fact) -> None:
        """Tell it, if it still stands; until the broker has it, or when the spoke is back."""
        if fact.sent or fact not in self.memory.facts.get(fact.event.command_id, ()):
            return
        if not self.online:
            self._unsent[fact.event.id] = fact
            return
        fact.sent = self.publish(fact.event)
        if not fact.sent:
            self._tell_later(fact, self._nature.seconds("fact again", *(FACT_RETRY_DOWN if self._broker.down else FACT_RETRY)))

    def _bury(self, delivery: Delivery, code: str, detail: str, command: Command | None = None) -> None:
        """Tell the hub that it is given up for good, then end it at the broker."""
        kind = kind_of(delivery.subject)
        dead = dead_letter.build(kind, code, detail, attempts=delivery.num_delivered, payload=delivery.data)
        command_id = command.id if command else ""
        event = Event(
            id=f"{command_id or f'{self.code}-{delivery.seq}'}.dead",
            command_id=command_id,
            kind=dead_letter.KIND,
            body=encode(dead),
            attempt=command.attempt if command else 1,
            carried=carried(delivery.headers),
        )
        if self.publish(event):
            delivery.term()
