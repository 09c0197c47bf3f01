"""The ServiceNow connector on its twin, for the contract suite."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Self

from loopbot.domain.effects import Align, Cause, Comment, Effect, LinkTickets, OpenTicket, SetFields, Transition
from loopbot.domain.receipts import Delivery
from loopbot.domain.records import Change, Incident, Record, Ref
from loopbot.ports import Connector, Surroundings
from loopbot.sandbox.faults import Fault, Faults
from loopbot.sandbox.ledger import Ledger
from tests.connectors.contract import Traits, surroundings
from tests.support.door import behind_the_door

SYSTEM = "servicenow"
CREDENTIALS = {"SN_PASSWORD": "loopbot-secret", "WRONG": "not-the-password", "SECRET": "client-secret"}


class Stage:
    """Incidents are read; every verb acts on an incident of its own."""

    traits = Traits(system=SYSTEM, stream="incident", reading=r"GET /api/now/table/incident\?")

    def __init__(self) -> None:
        from loopbot.sandbox.servicenow.twin import ServiceNowTwin

        self.ledger, self.faults = Ledger(), Faults()
        self.at: datetime | None = None
        self.twin = ServiceNowTwin(self.ledger, faults=self.faults, now=lambda: self.at or datetime.now(UTC))
        self._made = 0
        self._targets: dict[str, Record] = {}

    def __enter__(self) -> Self:
        self.url = behind_the_door(self.twin.app).url
        return self

    def __exit__(self, *_: object) -> None:
        """The server stays, for the next stage."""

    def connector(
        self, given: Surroundings, *, base_url: str = "", wrong_token: bool = False, **more: Any
    ) -> Connector:
        from connectors.servicenow.connector import ServiceNow

        password = "env:WRONG" if wrong_token else "env:SN_PASSWORD"
        usual = {"base_url": base_url or self.url, "user": "loopbot", "password": password}
        settings = ServiceNow.Settings(**{**usual, **more})
        return ServiceNow(SYSTEM, settings, surroundings(given.clock, CREDENTIALS))

    # ------------------------------------------------------------------ reading

    def add(self, count: int, at: datetime) -> list[str]:
        self.at = at
        try:
            return [self._incident(f"Row {number}")["number"] for number in range(count)]
        finally:
            self.at = None

    def edit(self, key: str, title: str, at: datetime) -> None:
        self.at = at
        try:
            self.twin.update("incident", key, {"short_description": title})
        finally:
            self.at = None

    def spoil(self, at: datetime) -> str:
        (key,) = self.add(1, at)
        self.at = at
        self.twin.update("incident", key, {"state": "4711"})
        self.at = None
        return key

    def stuck(self) -> Fault:
        import orjson

        rows = [
            {
                "sys_id": f"{number:032x}",
                "sys_updated_on": "2026-01-01 10:00:00",
                "sys_mod_count": "0",
                "number": f"INC{number:07}",
                "short_description": "again",
                "state": "1",
                "workflow_state": "draft",
            }
            for number in range(10)
        ]
        headers = {"X-Total-Count": "100000", "content-type": "application/json"}
        return Fault(
            "body",
            match=self.traits.reading,
            times=1000,
            status=200,
            headers=headers,
            body=orjson.dumps({"result": rows}),
        )

    # ------------------------------------------------------------------ writing

    def delivery(self, verb: str, text: str) -> Delivery:
        self._made += 1
        row = self._incident("Checkout is slow")
        incident = Incident(
            ref=Ref(SYSTEM, "incident", row["number"]),
            ident=row["sys_id"],
            title=row["short_description"],
            state="new",
            updated_at=datetime.now(UTC),
            version=int(row["sys_mod_count"]),
        )
        cause = Cause("contract", incident.ref, verb, once=str(self._made))
        records: tuple[Record, ...] = (incident,)
        effect: Effect
        if verb == "open":
            effect = OpenTicket(
                system=SYSTEM, cause=cause, kind="incident", place="incident", title=text, text=text, priority=2
            )
        elif verb == "comment":
            effect = Comment(system=SYSTEM, cause=cause, target=incident.ref, text=text, audience="public")
        elif verb == "transition":
            effect = Transition(system=SYSTEM, cause=cause, target=incident.ref, to="resolved")
        elif verb == "set":
            effect = SetFields(system=SYSTEM, cause=cause, target=incident.ref, fields=(("description", text),))
        elif verb == "align":
            effect = Align(
                system=SYSTEM, cause=cause, target=incident.ref, field="title", value=text, was="Checkout is slow"
            )
        else:
            change = self.twin.insert("change_request", {"short_description": "New checkout"})
            caused = Change(
                ref=Ref(SYSTEM, "change", change["number"]),
                ident=change["sys_id"],
                title="New checkout",
                state="draft",
                updated_at=datetime.now(UTC),
            )
            effect = LinkTickets(
                system=SYSTEM, cause=cause, source=incident.ref, relation="caused_by", target=caused.ref
            )
            records = (incident, caused)
        return Delivery(effect, 1, records)

    def refused(self) -> Delivery:
        delivery = self.delivery("comment", "This one may not be written.")
        self.twin.lock_row("incident", _target(delivery).key)
        return delivery

    def writing(self, verb: str) -> str:
        return "POST /api/now/table/incident" if verb == "open" else "PATCH /api/now/table/incident"

    def done(self, delivery: Delivery) -> int:
        effect = delivery.effect
        if isinstance(effect, OpenTicket):
            created = self.ledger.entries(SYSTEM, "create", "incident")
            return sum(one.payload.get("correlation_id") == f"loopbot:{effect.key}" for one in created)
        action = "comment" if isinstance(effect, Comment) else "update"
        return sum(one.key == _target(delivery).key for one in self.ledger.entries(SYSTEM, action, "incident"))

    def seen(self, delivery: Delivery) -> str:
        effect = delivery.effect
        if isinstance(effect, OpenTicket):
            marker = f"loopbot:{effect.key}"
            return next(row for row in self.twin.rows("incident") if row.get("correlation_id") == marker)["description"]
        key = _target(delivery).key
        if isinstance(effect, Comment):
            return self.twin.journal("incident", key)[-1]["value"]
        return self.twin.row("incident", key)["description"]

    def _incident(self, title: str) -> Mapping[str, str]:
        return self.twin.insert("incident", {"short_description": title, "impact": "2", "urgency": "2"})


class ArticleStage(Stage):
    """Articles of one open knowledge base are read; nothing is written."""

    traits = Traits(
        system=SYSTEM,
        stream="article",
        reading=r"GET /api/now/table/kb_knowledge\?",
        writes=False,
        many=1000,
    )

    def __enter__(self) -> Self:
        super().__enter__()
        self.base = self.twin.insert("kb_knowledge_base", {"title": "IT"})["sys_id"]
        return self

    def connector(
        self, given: Surroundings, *, base_url: str = "", wrong_token: bool = False, **more: Any
    ) -> Connector:
        usual: dict[str, Any] = {"articles": {"bases": ["IT"]}, "writes": False}
        return super().connector(given, base_url=base_url, wrong_token=wrong_token, **{**usual, **more})

    def article(self, title: str, **fields: str) -> Mapping[str, str]:
        """A published one of the open base, unless `fields` say otherwise."""
        usual = {"short_description": title, "workflow_state": "published", "kb_knowledge_base": self.base}
        return self.twin.insert("kb_knowledge", {**usual, **fields})

    def add(self, count: int, at: datetime) -> list[str]:
        self.at = at
        try:
            rows = [self.article(f"Row {number}") for number in range(count)]
        finally:
            self.at = None
        return [f"{row['number']}-{row['sys_id']}" for row in rows]

    def edit(self, key: str, title: str, at: datetime) -> None:
        self.at = at
        try:
            self.twin.update("kb_knowledge", key.partition("-")[2], {"short_description": title})
        finally:
            self.at = None

    def spoil(self, at: datetime) -> str:
        (key,) = self.add(1, at)
        number, _, sys_id = key.partition("-")
        self.at = at
        self.twin.update("kb_knowledge", sys_id, {"valid_to": "for ever"})
        self.at = None
        return number


def _target(delivery: Delivery) -> Ref:
    return delivery.effect.mentions[0]


STAGES = MappingProxyType({"servicenow": Stage, "servicenow articles": ArticleStage})
