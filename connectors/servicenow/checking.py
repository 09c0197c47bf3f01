"""What can be known before the first write: who we are, what we may see, which fields and states fit, clocks and limits."""

from collections.abc import Iterator, Sequence

from connectors.servicenow.articles import ArticleShape
from connectors.servicenow.dictionary import Dictionary
from connectors.servicenow.instance import Instance, Refused
from connectors.servicenow.knowledge import open_bases
from connectors.servicenow.mapping import Shape, hidden
from connectors.servicenow.query import Filter, among, where
from connectors.servicenow.rows import value
from connectors.servicenow.settings import Settings
from loopbot.domain.errors import BrokenAnswer, ConfigError, Rejected, Transient, Unauthorized
from loopbot.domain.texts import clean
from loopbot.ports import Finding

_UTC = frozenset({"", "UTC", "GMT", "Etc/UTC", "Etc/GMT", "Zulu"})
_WRITERS = frozenset({"admin", "itil", "sn_incident_write", "sn_problem_write", "sn_change_write"})
_SKEW = 120.0


class Inspection:
    """One look at an instance."""

    def __init__(self, instance: Instance, dictionary: Dictionary, settings: Settings, shapes: Sequence[Shape]) -> None:
        self._instance, self._dictionary, self._settings = instance, dictionary, settings
        self._shapes = [one for one in shapes if one.kind in settings.streams or settings.writes]
        self._system = instance.system

    def findings(self, articles: ArticleShape | None = None) -> Iterator[Finding]:
        """Everything found, also of the knowledge bases where articles are read; where the credentials or the connection fail, that alone."""
        try:
            yield from self._account()
            for shape in self._shapes:
                yield from self._table(shape)
            if articles is not None:
                yield from self._table(articles)
                yield from open_bases(self._instance, articles.table)
            yield from self._choices()
            yield from self._measures()
        except (Unauthorized, Transient, BrokenAnswer) as trouble:
            hint = trouble.hint or "is the instance reachable from here, and awake?"
            yield Finding("error", self._system, trouble.why, hint)

    def _account(self) -> Iterator[Finding]:
        user = self._settings.user
        if not user:
            self._instance.greet()
            yield Finding(
                "warning",
                self._system,
                "the credentials are accepted; whose they are is not known",
                "set `user`, so that loopbot can tell its own comments and roles",
            )
            return
        try:
            query = where(self._system, "user_name", "=", user)
            rows = self._instance.rows("sys_user", query, ("user_name", "time_zone"), limit=1).rows
        except Refused as refused:
            yield Finding("warning", self._system, f"the account can not read itself: {refused.why}")
            return
        yield Finding("ok", self._system, f"the account {user} is accepted")
        zone = value(rows[0], "time_zone") or "" if rows else ""
        if zone not in _UTC:
            yield Finding(
                "warning",
                self._system,
                f"the account's time zone is {clean(zone, 60)}",
                "set it to GMT: some instances read times in queries in the account's zone, and rows would be missed",
            )
        if self._settings.writes:
            yield from self._roles(user)

    def _roles(self, user: str) -> Iterator[Finding]:
        try:
            query = where(self._system, "user.user_name", "=", user)
            rows = self._instance.rows("sys_user_has_role", query, ("role.name",), limit=1000).rows
        except Refused:
            rows = ()
        roles = {value(row, "role.name") or "" for row in rows} - {""}
        if roles & _WRITERS:
            yield Finding("ok", self._system, f"it may write: it has {', '.join(sorted(roles & _WRITERS))}")
        else:
            yield Finding(
                "warning",
                self._system,
                "whether the account may write is not known: its roles are not visible or not the usual ones",
                "it needs itil, or write access to the configured tables",
            )
        if "admin" in roles:
            yield Finding("warning", self._system, "the account has the role admin", "loopbot needs less; give it itil")

    def _table(self, shape: Shape | ArticleShape) -> Iterator[Finding]:
        table = shape.table.table
        about = f"{self._system}: {table}"
        try:
            narrowed = Filter.parse(f"{about}, query", shape.table.query)
            self._dictionary.require(table, (*narrowed.fields, *shape.essential), about)
            fields = self._dictionary.of(table)
            known = tuple(name for name in shape.fields if fields.has(name))
            probe = self._instance.rows(table, "ORDERBYDESCsys_updated_on", known, limit=20)
        except ConfigError as error:
            yield Finding("error", error.where, error.why, error.hint)
            return
        except Rejected as error:
            yield Finding(
                "error", about, f"it can not be read: {error.why}", "give the account read access to the table"
            )
            return
        if not fields.readable:
            what = "its fields can not be checked: the account may not read sys_dictionary"
            yield Finding("warning", about, what, "let it read sys_dictionary and sys_db_object")
        unknown = fields.unknown(shape.fields)
        if unknown:
            yield Finding("warning", about, f"it has no field {', '.join(unknown)}", "they are left out")
        unseen = hidden(probe.rows, tuple(name for name in known if "." not in name))
        if unseen:
            what = f"the account may not see {', '.join(unseen)}"
            yield Finding("warning", about, what, "what is hidden counts as unknown, never as empty")
        if probe.total and not probe.rows:
            yield Finding("warning", about, f"it holds {probe.total} rows, and the account may see none of the latest")
        marker = shape.table.marker_field if isinstance(shape, Shape) else ""
        if self._settings.writes and not fields.has(marker or "sys_id"):
            what = f"it has no field {marker} to mark the tickets that loopbot opens"
            yield Finding("warning", about, what, "loopbot opens none in it; set marker_field")
        yield Finding("ok", about, f"{probe.total if probe.total is not None else 'its'} rows can be read")

    def _choices(self) -> Iterator[Finding]:
        """States that people use and no map covers: such rows would be set aside."""
        tables = [shape.table.table for shape in self._shapes]
        if not tables:
            return
        elements = sorted({shape.state for shape in self._shapes if shape.state})
        query = f"{among(self._system, 'name', tables)}^{among(self._system, 'element', elements)}^inactive=false"
        try:
            rows = self._instance.rows("sys_choice", query, ("name", "element", "value", "label"), limit=10_000).rows
        except Refused:
            yield Finding("warning", self._system, "the states in use can not be checked: sys_choice is not readable")
            return
        for shape in self._shapes:
            missing = {
                f"{value(row, 'value')} ({clean(value(row, 'label') or '', 60)})"
                for row in rows
                if value(row, "name") == shape.table.table
                and value(row, "element") == shape.state
                and value(row, "value") not in shape.states
            }
            if missing:
                what = f"no canonical state is configured for {', '.join(sorted(missing))}"
                yield Finding("warning", f"{self._system}: {shape.table.table}", what, "add them to its states")

    def _measures(self) -> Iterator[Finding]:
        skew = self._instance.wire.skew
        if skew is not None and abs(skew) > _SKEW:
            way = "ahead of" if skew > 0 else "behind"
            what = f"its clock is {abs(skew):.0f} s {way} ours"
            yield Finding("warning", self._system, what, "set the clock of this machine by NTP")
        headers = self._instance.wire.adapter.tally.headers
        limit = headers.get("X-RateLimit-Limit")
        if limit:
            budget = self._settings.calls_per_hour
            fits = 0 < budget <= int(limit) if limit.isdecimal() else True
            hint = "" if fits else f"set calls_per_hour to less than {limit}"
            yield Finding("ok" if fits else "warning", self._system, f"it allows {limit} calls an hour", hint)
