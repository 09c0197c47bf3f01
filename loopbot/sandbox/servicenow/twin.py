"""The ServiceNow twin: an instance in memory behind real HTTP, and the same instance as its people use it."""

import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from loopbot.sandbox.faults import FaultLayer, Faults
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.access import Access, RateRule
from loopbot.sandbox.servicenow.asking import Answer, Ask, refusal
from loopbot.sandbox.servicenow.batch_api import BatchApi
from loopbot.sandbox.servicenow.behaviour import Policy, RefusedError
from loopbot.sandbox.servicenow.change_api import ChangeApi
from loopbot.sandbox.servicenow.records import Records
from loopbot.sandbox.servicenow.rendering import Rendering
from loopbot.sandbox.servicenow.rows import Row, Rows, Seen
from loopbot.sandbox.servicenow.schema import Schema
from loopbot.sandbox.servicenow.search import Search
from loopbot.sandbox.servicenow.table_api import SYSTEM, TableApi

_TABLE = re.compile(r"/api/now(?:/v\d+)?/(?P<api>table|stats)/(?P<table>[A-Za-z0-9_]+)(?:/(?P<sys_id>[^/]+))?/?")
_BATCH = re.compile(r"/api/now(?:/v\d+)?/batch")
_ATTACHMENT = re.compile(r"/api/now(?:/v\d+)?/attachment")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class ServiceNowTwin:
    """One instance. `app` is what to serve; `insert`, `update` and `delete` are what people do in their browsers.

    `now` is the instance's clock; `prefix` is a context path in front of `/api`; `seed` decides all sys_ids.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        faults: Faults | None = None,
        now: Callable[[], datetime] | None = None,
        prefix: str = "",
        time_zone: str = "Etc/UTC",
        seed: int = 0,
    ) -> None:
        self.ledger, self.faults = ledger, Faults() if faults is None else faults
        self.now = now or (lambda: datetime.now(UTC))
        self.policy = Policy()
        self.access = Access(self.moment)
        self.storage = Rows(Schema(), self.moment)
        self.tables = Records(self.storage, self.policy, seed)
        self.search = Search(self.storage)
        self._prefix = prefix.rstrip("/")
        self._zone = time_zone
        self._finished: dict[str, int] = {}
        self._read = threading.Condition()
        rendering = Rendering(self.search, self.access, self._time_zone)
        self.api = TableApi(self.tables, self.search, rendering, self.access, ledger, self._note_finished)
        self.changes = ChangeApi(self.api)
        self.batch = BatchApi(self._batched)
        inner = Starlette(routes=[Route(f"{self._prefix}/{{path:path}}", self._serve, methods=_METHODS)])
        self.app = FaultLayer(inner, SYSTEM, self.faults, ledger)
        self._move_in()

    def _move_in(self) -> None:
        """The accounts that may come in, with the role each has, and the instance's time zone."""
        for user, password in self.access.users.items():
            self.add_account(user, password, "admin" if user == "admin" else "itil")
        self.insert("sys_properties", {"name": "glide.sys.default.tz", "value": self._zone})

    def moment(self) -> datetime:
        """The instance's time; `now` may be replaced while it runs."""
        return self.now()

    # ------------------------------------------------------------------ what people do

    def insert(self, table: str, values: Mapping[str, str], *, actor: str = "system", visible_after: float = 0) -> Row:
        """Add a row; with `visible_after` it is stamped now and seen only that many seconds later."""
        return self._shown(table, self.tables.insert(table, values, actor, visible_after).row)

    def update(
        self, table: str, key: str, values: Mapping[str, str], *, actor: str = "system", visible_after: float = 0
    ) -> Row:
        """Change a row by sys_id or number; journal fields append."""
        self.storage.settle()
        return self._shown(table, self.tables.update(table, key, values, actor, visible_after).row)

    def delete(self, table: str, key: str) -> None:
        """Delete a row by sys_id or number."""
        self.tables.delete(table, key)

    def row(self, table: str, key: str) -> Row:
        """The row by sys_id or number, also one that is not visible yet."""
        self.storage.settle()
        found = self.storage.unseen(table, key) or self.tables.existing(table, key)
        return self._shown(*found)

    def rows(self, table: str) -> list[Row]:
        """All rows of a table that are visible, in no particular order."""
        with self.storage.lock:
            self.storage.settle()
            return [self._shown(table, row) for row in self.storage.all(table)]

    def journal(self, table: str, key: str) -> list[Row]:
        """The journal entries of a row, oldest first."""
        sys_id = self.row(table, key)["sys_id"]
        return [row for row in self.rows("sys_journal_field") if row["element_id"] == sys_id]

    def _shown(self, table: str, row: Row) -> Row:
        return Seen(row, self.storage.schema.fields(table))

    # ------------------------------------------------------------------ what administrators do

    def add_account(self, user: str, password: str, role: str = "itil") -> None:
        """Let a user in by basic authorization."""
        self.access.users[user] = password
        person = self.insert("sys_user", {"user_name": user, "name": user.title(), "email": f"{user}@example.com"})
        given = self.insert("sys_user_role", {"name": role})
        self.insert("sys_user_has_role", {"user": person["sys_id"], "role": given["sys_id"]})

    def add_table(self, name: str, fields: Mapping[str, str], *, extends: str = "", prefix: str = "") -> None:
        """Add a custom table; `fields` maps names to types (`string:200`, `reference:sys_user`, `journal_input`)."""
        self.tables.add_table(name, fields, extends=extends, prefix=prefix)
        self.search.forget()

    def add_field(self, table: str, name: str, kind: str = "string") -> None:
        """Add a custom field."""
        self.tables.add_field(table, name, kind)
        self.search.forget()

    def drop_field(self, table: str, name: str) -> None:
        """Remove a field, as when it was renamed."""
        self.tables.drop_field(table, name)
        self.search.forget()

    def add_choice(self, table: str, field: str, value: str, label: str) -> None:
        """Add a choice to a field's list, as an administrator would."""
        self.tables.add_choice(table, field, value, label)
        self.search.forget()

    def hide_field(self, table: str, field: str) -> None:
        """An ACL takes the field from the integration user: it is absent from answers."""
        self.access.hidden_fields.add((table, field))

    def hide_row(self, table: str, key: str) -> None:
        """An ACL takes the row from the integration user: pages get thinner."""
        self.access.hidden_rows.add(self.row(table, key)["sys_id"])

    def lock_row(self, table: str, key: str) -> None:
        """An ACL forbids writes to this row."""
        self.access.locked_rows.add(self.row(table, key)["sys_id"])

    def limit_rate(self, limit: int, match: str = "/api/", *, batch_items: bool = False) -> None:
        """Allow that many requests an hour."""
        self.access.rate = RateRule(limit, match, batch_items)

    def cancel_transactions(self, times: int = 1) -> None:
        """Cut off the next lists: 200 with `result` and `error`."""
        self.api.cancels = times

    # ------------------------------------------------------------------ what a replay watches

    def finished(self, table: str) -> int:
        """How many lists of the table, in order of sys_updated_on, were read to their end so far."""
        with self._read:
            return self._finished.get(table, 0)

    def wait_finished(self, table: str, more_than: int, seconds: float) -> bool:
        """Wait until more lists than that were read to their end; False when the time ran out."""
        with self._read:
            return self._read.wait_for(lambda: self._finished.get(table, 0) > more_than, seconds)

    def _note_finished(self, table: str) -> None:
        with self._read:
            self._finished[table] = self._finished.get(table, 0) + 1
            self._read.notify_all()

    # ------------------------------------------------------------------ HTTP

    async def _serve(self, request: Request) -> Response:
        body = await request.body()
        url = request.url
        params = parse_qsl(url.query, keep_blank_values=True)
        headers = {name.lower(): value for name, value in request.headers.items()}
        origin = f"{url.scheme}://{url.netloc}{self._prefix}"
        path = url.path.removeprefix(self._prefix)
        answer = self._answer(Ask(request.method, path, params, headers, body, origin))
        shown = dict(answer.headers)
        if answer.body is not None:
            shown["Content-Type"] = "application/json;charset=UTF-8"
        return Response(answer.encoded(), answer.status, shown)

    def _answer(self, ask: Ask) -> Answer:
        if ask.path == "/oauth_token.do" and ask.method == "POST":
            return Answer(*self.access.grant(dict(parse_qsl(ask.body.decode()))))
        paced: dict[str, str] = {}
        try:
            user = self.access.who(ask.headers)
            paced = self.access.paced(f"{ask.method} {ask.path}")
            told = Ask(ask.method, ask.path, ask.params, ask.headers, ask.body, ask.origin, user)
            with self.storage.lock:
                self.storage.settle()
                answer = self.batch.answer(told) if _BATCH.fullmatch(ask.path) else self._routed(told)
        except RefusedError as refused:
            answer = refusal(refused)
        return Answer(answer.status, answer.body, {**paced, **answer.headers})

    def _batched(self, ask: Ask) -> Answer:
        """One item of a batch; its user is the batch's."""
        try:
            if self.access.rate and self.access.rate.batch_items:
                self.access.paced(f"{ask.method} {ask.path}")
            return self._routed(ask)
        except RefusedError as refused:
            return refusal(refused)

    def _routed(self, ask: Ask) -> Answer:
        change = self.changes.answer(ask)
        if change is not None:
            return change
        if _ATTACHMENT.fullmatch(ask.path) and ask.method == "GET":
            return Answer(200, {"result": []}, {"X-Total-Count": "0"})
        found = _TABLE.fullmatch(ask.path)
        if found is None:
            raise RefusedError(400, "Requested URI does not represent any resource")
        act = self._act(ask.method, found["api"], found["table"], found["sys_id"])
        return act(ask)

    def _act(self, method: str, api: str, table: str, sys_id: str | None) -> Callable[[Ask], Answer]:
        acts: dict[tuple[str, str, bool], Callable[[Any], Answer]] = {
            ("stats", "GET", False): lambda ask: self.api.count(ask, table),
            ("table", "GET", False): lambda ask: self.api.many(ask, table),
            ("table", "POST", False): lambda ask: self.api.create(ask, table),
            ("table", "GET", True): lambda ask: self.api.one(ask, table, str(sys_id)),
            ("table", "PATCH", True): lambda ask: self.api.change(ask, table, str(sys_id)),
            ("table", "PUT", True): lambda ask: self.api.change(ask, table, str(sys_id)),
            ("table", "DELETE", True): lambda ask: self.api.remove(ask, table, str(sys_id)),
        }
        act = acts.get((api, method, sys_id is not None))
        if act is None:
            raise RefusedError(405, "Method not supported", f"{method} not supported")
        return act

    def _time_zone(self) -> str:
        with self.storage.lock:
            for row in self.storage.all("sys_properties"):
                if row.get("name") == "glide.sys.default.tz":
                    return row.get("value", self._zone)
        return self._zone
