"""Questions as they are asked, while they are answered, and afterwards: each kind once, as its rule or its trouble brings it about."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from connectors.slack import speaking
from connectors.slack.asking import asked as message_of
from loopbot.domain.effects import Ask
from loopbot.domain.errors import Declined, Rejected
from loopbot.domain.forms import Filled, Form, Wrong
from loopbot.domain.records import Involved, Person, Record
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.speech import Message, say
from loopbot.language.loader import load_rules
from loopbot.store import SqlStore, open_store
from loopbot.usecases.absorb import absorb
from loopbot.usecases.conversation.desk import Desk
from loopbot.usecases.conversation.personal import queue
from loopbot.usecases.deliver import deliver
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop, Waits
from loopbot.usecases.questions.asking import ask
from loopbot.usecases.questions.places import Places
from loopbot.usecases.reconcile import reconcile
from loopbot.wiring import shipped_judgement, starter_rules
from tests.conversation.conftest import OPS, PLACES, ROLES, TOM, incident, ref, shop
from tests.gallery.shown import ONLY_YOU, Shown, shown, view, whispered
from tests.questions.conftest import SUSPECTS
from tests.questions.test_clusters import PROMOTE
from tests.questions.test_stuck import MANY, SHOUT
from tests.support.clock import FakeClock
from tests.support.made import at
from tests.support.systems import FakeSink

_NOTES = MANY.replace("limit = 2", "limit = 1")
_ITEM = """
about = "A wish joins the item that says the same."
on = "feedback"

[match]
kind = "issue"
rank = "similar"
link_at = 1.0
ask_at = 0.01

[[then]]
do = "link"
relation = "fixes"
from = "other"
to = "it"
in = ["jira"]
"""
_DAY = 86_400.0
Spoil = Callable[[Record], Record]
_SAME = ("The export hangs at 80 percent", "Export of orders stops halfway", "The order export does not finish")


class Writes(FakeSink):
    """A system whose links can be taken back."""

    clears_links = True


@dataclass
class Bench:
    """One small installation whose rules ask."""

    loop: Loop
    clock: FakeClock
    sinks: Mapping[str, FakeSink]
    talk: Conversation
    spoil: Spoil

    def put(self, *records: Record) -> None:
        with self.loop.store.write() as tx:
            absorb(self.loop, tx, map(self.spoil, records))
        ask(self.loop, gather=False)

    def messages(self) -> list[Ask]:
        """Those that are asked now, the earliest first."""
        with self.loop.store.read() as tx:
            rows = tx.outbox.rows(limit=200)
        return [row.effect for row in reversed(rows) if isinstance(row.effect, Ask)]

    def shows(self, name: str, by: str, number: int = 0) -> Shown:
        return shown(name, by, speaking.message(message_of(self.messages()[number]))["blocks"], "in #questions")

    def press(self, label: str, name: str, number: int = 0) -> Form | None:
        """An operator presses a button; the form it opens, if any."""
        parts = [part for part in self.messages()[number].parts if part.buttons]
        key, word = next((part.key, word) for part in parts for word, said in part.buttons if said.startswith(label))
        try:
            said = self.talk.answer(OPS, key, word)
        except Declined:
            return None
        del name
        return said if isinstance(said, Form) else None

    def fill(self, form: Form, **values: str) -> Wrong | None:
        said = self.talk.submitted(OPS, Filled(form.name, values, context=form.context))
        return said if isinstance(said, Wrong) else None


def asking(spoil: Spoil = lambda record: record) -> Iterator[Shown]:
    """All of them; `spoil` is what somebody made of the tickets."""
    for scene in (_cause, _item, _cluster, _topic, _problem, _limit, _refused, _lost, _several, _late):
        yield from scene(spoil)


def _cause(spoil: Spoil) -> Iterator[Shown]:
    name = "Which change caused it?"
    with _bench(spoil, {"suspects": SUSPECTS}) as bench:
        bench.put(*_changes(), _bare(12345))
        yield bench.shows(name, "asked of agents")
        form = bench.press("Another one", name)
        assert form is not None
        yield view(name, "“Another one…”", speaking.modal(form))
        bench.press("Not CHG", name)
        yield bench.shows(name, "after “Not this one”: the next suspect")
        bench.press("Yes", name)
        yield bench.shows(name, "once it is answered")
        try:
            bench.talk.answer(TOM, bench.messages()[0].parts[0].key, "none")
        except Declined as no:
            yield whispered(name, TOM, say(str(no)))
        deliver(bench.loop, "servicenow")
        bench.press("Undo", name)
        ask(bench.loop, gather=False)
        yield bench.shows(name, "taken back")
        yield bench.shows("Clear it there, too?", "what an undone answer has written already", 1)


def _item(spoil: Spoil) -> Iterator[Shown]:
    with _bench(spoil, {"items": _ITEM}) as bench:
        issue = next(one for one in shop() if one.kind == "issue")
        wish = next(one for one in shop() if one.kind == "feedback")
        bench.put(replace(issue, title="Export orders to Parquet", text="Please export to Parquet", links=()), wish)
        yield bench.shows("Does an item say the same?", "asked of product owners")
        bench.press("No", "")
        yield bench.shows("Does an item say the same?", "once it is answered")


def _cluster(spoil: Spoil) -> Iterator[Shown]:
    name = "Are these one problem?"
    with _bench(spoil, {"promote": PROMOTE.replace("alike = 0.0", "alike = 0.01")}) as bench:
        bench.put(*(_bare(number, title) for number, title in enumerate(_SAME, 12345)))
        yield bench.shows(name, "asked of problem managers")
        form = bench.press("Not the same", name)
        assert form is not None
        yield view(name, "“Not the same…”", speaking.modal(form))
        bench.press("Open a problem", name)
        yield bench.shows(name, "once it is answered")
        bench.sinks["servicenow"].lost = {1}
        deliver(bench.loop, "servicenow")
        said = bench.talk.command(OPS, f"undo {bench.messages()[0].parts[0].key[:8]}")
        assert isinstance(said, Message)
        by = "taken back while nobody knows whether the problem was opened"
        yield shown(name, by, speaking.message(said)["blocks"], ONLY_YOU)


def _topic(spoil: Spoil) -> Iterator[Shown]:
    with _bench(spoil, {}, "ask-feedback-topic") as bench:
        wish = next(one for one in shop() if one.kind == "feedback")
        bench.put(replace(wish, title="The colours of the list", text="Blue and grey."))
        yield bench.shows("What kind of feedback is it?", "asked of product owners")
        bench.press("Praise", "")
        yield bench.shows("What kind of feedback is it?", "once it is answered")


def _problem(spoil: Spoil) -> Iterator[Shown]:
    with _bench(spoil, {}, "ask-root-cause") as bench:
        bench.put(*shop())
        yield bench.shows("Root cause", "asked of problem managers")
        form = bench.press("Fill in", "")
        assert form is not None
        yield view("Root cause", "the form, with the evidence there is", speaking.modal(form))
        bench.fill(form, information="No timeout on pages of the export", organisations="One person knows the export")
        yield bench.shows("Root cause", "with two of the four filled in")
    with _bench(spoil, {}, "share-workaround") as bench:
        bench.put(*shop())
        yield bench.shows("May reporters read the workaround?", "asked of problem managers")
        bench.press("Release", "")
        yield bench.shows("May reporters read the workaround?", "once it is answered")


def _limit(spoil: Spoil) -> Iterator[Shown]:
    with _bench(spoil, {"notes": _NOTES}) as bench:
        bench.put(*(_bare(number) for number in range(12345, 12352)))
        yield bench.shows("A rule wants to write more than it may", "asked of operators")
        bench.press("Approve", "")
        yield bench.shows("A rule wants to write more than it may", "once it is answered")


def _refused(spoil: Spoil) -> Iterator[Shown]:
    with _bench(spoil, {"notes": _NOTES.replace("limit = 1", "limit = 50")}) as bench:
        refusal = Rejected("servicenow", "Data policy exception: Assignment group is mandatory")
        bench.sinks["servicenow"].mishaps = {1: lambda: refusal, 2: lambda: refusal}
        bench.put(_bare(12345), _bare(12346))
        deliver(bench.loop, "servicenow")
        ask(bench.loop, gather=False)
        yield bench.shows("A system refused writes", "asked of operators")
        bench.press("Send all", "")
        yield bench.shows("A system refused writes", "once it is answered")


def _lost(spoil: Spoil) -> Iterator[Shown]:
    with _bench(spoil, {"shout": SHOUT}) as bench:
        bench.sinks["slack"].lost, bench.sinks["slack"].blind = {1}, True
        bench.put(_changes()[0])
        deliver(bench.loop, "slack")
        for _ in range(30):
            bench.clock.sleep(3_600)
            reconcile(bench.loop, "slack")
        ask(bench.loop, gather=False)
        yield bench.shows("A write whose answer was lost", "asked of operators")


def _several(spoil: Spoil) -> Iterator[Shown]:
    with _bench(spoil, {"suspects": SUSPECTS}) as bench:
        bench.put(*_changes(), *(_bare(number, title=f"The export hangs on page {number}") for number in range(12345, 12352)))  # fmt: skip
        yield bench.shows("A burst of questions", "one message; the others move up")
        bench.press("Yes", "")
        yield bench.shows("A burst of questions", "one of them answered")
        yield shown("/loop queue", f"typed by {OPS.name}", speaking.message(queue(Desk(bench.loop, ROLES, PLACES), OPS))["blocks"], ONLY_YOU)  # fmt: skip


def _late(spoil: Spoil) -> Iterator[Shown]:
    with _bench(spoil, {"suspects": SUSPECTS}) as bench:
        bench.put(*_changes(), _bare(12345))
        bench.clock.sleep(2 * _DAY)
        ask(bench.loop, gather=False)
        with bench.loop.store.read() as tx:
            reminder = next(row.effect.text for row in tx.outbox.rows() if row.effect.verb == "post")  # type: ignore[union-attr]
        yield shown("A question waits for a day", "the only reminder", speaking.message(say(reminder))["blocks"], "in #questions")  # fmt: skip
        bench.clock.sleep(14 * _DAY)
        ask(bench.loop, gather=False)
        yield bench.shows("A question that nobody answered", "after two weeks")


def _changes() -> list[Record]:
    change = next(one for one in shop() if one.kind == "change")
    return [
        replace(change, updated_at=at(-20)),
        replace(change, ref=ref("change", "CHG0000043"), ident="c43", title="Renew the certificate of the export", updated_at=at(-55), started_at=at(-70), finished_at=at(-58)),  # type: ignore[call-arg]
    ]  # fmt: skip


def _bare(number: int, title: str = "The export hangs at 80 percent") -> Record:
    reporter = Person("servicenow", f"u{number}", f"Reporter {number % 100}", f"r{number}@example.com")
    when = at(number - 12345)
    return incident(number, title=title, opened_at=when, updated_at=when, links=(), people=(Involved("reporter", reporter),))  # fmt: skip


@contextmanager
def _bench(spoil: Spoil, rules: Mapping[str, str], *starters: str) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules").mkdir()
        texts = dict(rules) | {one: (starter_rules() / f"{one}.toml").read_text(encoding="utf-8") for one in starters}
        for rule, text in texts.items():
            (folder / "rules" / f"{rule}.toml").write_text(text, encoding="utf-8")
        clock = FakeClock(at(30))
        sinks = {one: Writes(one) for one in ("servicenow", "jira", "slack")}
        store: SqlStore = open_store(f"sqlite:///{folder / 'loop.db'}", clock=clock)
        loop = Loop(
            store,
            Rulebook(load_rules(folder / "rules").rules),
            sinks,  # type: ignore[arg-type]
            clock,
            "one",
            judgement=shipped_judgement(),
            waits=Waits(look=0.0),
            places=Places(system="slack", channel="questions"),
        )
        yield Bench(loop, clock, sinks, Conversation(loop, ROLES, PLACES), spoil)
        store.close()
