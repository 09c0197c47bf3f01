"""Two sides of a pair under everything that can happen to them at once, against a model: what people said is never lost.

`pytest --hypothesis-profile=long tests/mirror` runs many more and longer histories.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from loopbot.domain.mirroring import default_states, field_of
from loopbot.domain.rulebook import Rulebook
from loopbot.language.loader import parse_rule
from loopbot.ports import Hint, Hook
from loopbot.store import SqlStore, open_store
from loopbot.usecases.deliver import deliver
from loopbot.usecases.hints import Bounds, hinted, keep
from loopbot.usecases.ingest import ingest
from loopbot.usecases.loop import Loop
from loopbot.usecases.reconcile import reconcile
from loopbot.usecases.wake import wake
from tests.mirror.offices import BESIDE, INCIDENT, ISSUE, Mishap, Office, jira, servicenow
from tests.support.clock import FakeClock

RULE = """
about = "An incident has an issue that says the same."
on = "incident"

[[then]]
do = "mirror"
if = 'it.title != "What stands beside it"'
system = "jira"
into = "issue"
place = "LOOP"
fields = { title = "it", state = "newest", priority = "other" }
"""
WINNERS = st.sampled_from(["it", "other", "newest"])
STATE = field_of("state", "newest", *default_states("incident", "issue"))
INCIDENT_STATES = ["new", "in_progress", "on_hold", "resolved", "closed", "cancelled"]
ISSUE_STATES = ["todo", "in_progress", "in_review", "done", "wont_do"]
SIDES = st.sampled_from(["servicenow", "jira"])
MISHAPS: st.SearchStrategy[Mishap] = st.sampled_from(["lost after", "lost before", "throttled"])

LONG = settings.default.max_examples > 1000  # --hypothesis-profile=long
EMPTY = Path(tempfile.mkdtemp(prefix="loopbot-two-sides-")) / "empty.db"


def a_store(clock: FakeClock) -> tuple[SqlStore, Path]:
    """A young store; made once and copied, since migrating takes longer than a whole history."""
    if not EMPTY.exists():
        open_store(f"sqlite:///{EMPTY}").close()
    path = Path(tempfile.mkdtemp(prefix="loopbot-two-sides-")) / "loopbot.db"
    shutil.copy(EMPTY, path)
    return open_store(f"sqlite:///{path}", clock=clock), path


def rules(priority: str) -> Rulebook:
    """The rule, where that side's priority wins."""
    (mirror,) = parse_rule(RULE.replace('priority = "other"', f'priority = "{priority}"'), "two-sides").rules
    return Rulebook([mirror])


class TwoSides(RuleBasedStateMachine):
    """A history of one pair."""

    @initialize(whole=st.booleans(), is_open=st.booleans(), skews=st.tuples(st.integers(-10, 10), st.integers(-10, 10)))
    def begin(self, whole: bool, is_open: bool, skews: tuple[int, int]) -> None:
        self.clock = FakeClock()
        self.store, self.path = a_store(self.clock)
        self.sides: dict[str, Office] = {
            "servicenow": servicenow(skews[0]),
            "jira": jira(skews[1], answers_whole=whole),
        }
        self.whole = whole
        self.edits = 0
        self.last: dict[tuple[str, str], list[str]] = {}
        self.hooks = 0
        sinks = dict(self.sides)
        self.loop = Loop(self.store, rules("other"), sinks, self.clock, "one")  # type: ignore[arg-type]
        if is_open:
            self.settle()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.settle()
            self.check()
            self.store.close()
            shutil.rmtree(self.path.parent)

    # ------------------------------------------------------------------ people

    def edit(self, side: str, name: str, value: str) -> None:
        if self.sides[side].now is None:
            return
        self.edits += 1
        said = self.last.setdefault((side, name), [])
        self.sides[side].put(name, value)  # type: ignore[arg-type]
        said.append(value)

    @rule(side=SIDES)
    def somebody_renames(self, side: str) -> None:
        self.edit(side, "title", f"title {self.edits} of {side}")

    @rule(state=st.sampled_from(INCIDENT_STATES))
    def somebody_moves_the_incident(self, state: str) -> None:
        self.edit("servicenow", "state", state)

    @rule(state=st.sampled_from(ISSUE_STATES))
    def somebody_moves_the_issue(self, state: str) -> None:
        self.edit("jira", "state", state)

    @rule(side=SIDES, priority=st.integers(1, 5))
    def somebody_weighs_it(self, side: str, priority: int) -> None:
        self.edit(side, "priority", str(priority))

    @rule(side=SIDES, after=st.integers(0, 2))
    def somebody_deletes_it(self, side: str, after: int) -> None:
        """Seldom: hardly anything can happen to the pair after that."""
        if after == 0 and self.edits > 3 and self.pair_is_whole():
            self.sides[side].delete()

    @rule(priority=WINNERS)
    def somebody_edits_the_rule(self, priority: str) -> None:
        """And loopbot is started again with it."""
        self.loop = replace(self.loop, rules=rules(priority))

    # ------------------------------------------------------------------ loopbot, and what goes wrong

    @rule(side=SIDES, times=st.integers(1, 3), again=st.booleans(), stamped=st.booleans())
    def a_webhook_comes(self, side: str, times: int, again: bool, stamped: bool) -> None:
        """Once or more often, late or delivered again; it says when the ticket changed, or does not."""
        self.hooks += not again
        office = self.sides[side]
        now = office.now
        key = {"servicenow": INCIDENT, "jira": ISSUE}[side].key
        hint = Hint(office.stream, key, now.updated_at if now is not None and stamped else None)
        for _ in range(times):
            keep(self.store, [Hook((f"{side} {self.hooks}",), (hint,))], Bounds())
        self.follow_hints()

    def follow_hints(self) -> None:
        due = hinted(self.loop)
        for office in self.sides.values():
            if office.stream in due:
                ingest(self.loop, office)

    @rule(side=SIDES)
    def sweep(self, side: str) -> None:
        ingest(self.loop, self.sides[side], sweep=True)

    @rule(side=SIDES, times=st.integers(1, 2))
    def poll(self, side: str, times: int) -> None:
        for _ in range(times):
            ingest(self.loop, self.sides[side])

    @rule(side=SIDES)
    def deliver(self, side: str) -> None:
        deliver(self.loop, side)

    @rule(side=SIDES, mishap=MISHAPS)
    def deliver_badly(self, side: str, mishap: Mishap) -> None:
        self.sides[side].mishaps.append(mishap)
        deliver(self.loop, side)
        self.sides[side].mishaps.clear()

    @rule(side=SIDES)
    def crash_after_sending(self, side: str) -> None:
        with self.store.write() as tx:
            claimed = tx.outbox.claim(side, "the one that dies", 180, 10)
        self.sides[side].apply(claimed)
        self.clock.sleep(200)

    @rule(side=SIDES)
    def crash_before_sending(self, side: str) -> None:
        with self.store.write() as tx:
            tx.outbox.claim(side, "the one that dies", 180, 10)
        self.clock.sleep(200)

    @rule(side=SIDES)
    def look_for_what_is_uncertain(self, side: str) -> None:
        reconcile(self.loop, side)

    @rule(side=SIDES, lags=st.booleans())
    def index(self, side: str, lags: bool) -> None:
        if lags:
            self.sides[side].lags = True
        else:
            self.sides[side].catch_up()

    @rule(seconds=st.sampled_from([1, 31, 200, 700]))
    def time_passes(self, seconds: int) -> None:
        self.clock.sleep(seconds)
        wake(self.loop)

    @rule(seconds=st.sampled_from([-3600, 3600]))
    def the_clock_is_set(self, seconds: int) -> None:
        self.clock.jump(seconds)

    # ------------------------------------------------------------------ what has to hold in the end

    def pair_is_whole(self) -> bool:
        return all(side.now is not None and side.deleted is None for side in self.sides.values())

    def settle(self) -> None:
        quiet = 0
        for _ in range(200):
            for side in self.sides.values():
                side.catch_up()
            self.follow_hints()
            for side in self.sides.values():
                ingest(self.loop, side, sweep=side.deleted is not None)
            for side in self.sides:
                deliver(self.loop, side)
                reconcile(self.loop, side)
            wake(self.loop)
            with self.store.read() as tx:
                busy = bool(tx.outbox.rows({"planned", "sending", "uncertain"}) or tx.timers.pending())
                busy = busy or bool(tx.inbox.waiting())
            quiet = 0 if busy else quiet + 1
            if quiet == 3:
                return
            self.clock.sleep(120)
        raise AssertionError("it never comes to rest")

    def check(self) -> None:
        for side in self.sides.values():
            assert len(side.ledger) == len(set(side.ledger)), "no effect is there twice"
            assert side.opened <= 1, "what was deleted is not opened again"
        gone = [side for side in self.sides.values() if side.deleted is not None]
        if gone:
            self.check_without(gone[0].system)
        else:
            self.check_pair()

    def check_without(self, system: str) -> None:
        """One side was deleted: the other one stays as it is, and what could not be written is shown."""
        other = self.sides["jira" if system == "servicenow" else "servicenow"]
        assert other.open.title in {title for side in self.sides.values() for title in side.said["title"]}
        with self.store.read() as tx:
            stuck = tx.outbox.rows({"parked", "held", "uncertain"})
            left = [one for one in tx.mirror.all() if one.system == system]
        assert all(row.effect.system == system and row.why for row in stuck)
        assert [one.title for one in left] == [BESIDE], "and it is no longer counted"

    def check_pair(self) -> None:
        one, other = self.sides["servicenow"].open, self.sides["jira"].open
        assert one.title == other.title
        assert one.priority == other.priority
        assert STATE.same(one.state, other.state), (one.state, other.state)
        with self.store.read() as tx:
            assert not tx.outbox.rows({"parked", "held", "uncertain"}), (
                "what was refused is taken back once it is settled"
            )
            conflicts = tx.agreements.conflicts(INCIDENT, 10_000)
            assert all(entry.conflict.source == ISSUE for entry in conflicts)
        lost = {entry.conflict.lost for entry in conflicts}
        for (side, name), said in self.last.items():
            if name == "title":
                # The last word of each side stands, or was heard by the other side, or is in the log of conflicts.
                other_side = self.sides["jira" if side == "servicenow" else "servicenow"]
                assert said[-1] in {*other_side.said["title"], *lost}, (side, said[-1])
        writes = sum(side.writes for side in self.sides.values())
        if self.whole:
            assert writes <= self.edits + 3, "a write for each thing people said, and no echo of any"


TestTwoSides = TwoSides.TestCase
TestTwoSides.settings = settings(
    max_examples=settings.default.max_examples if LONG else 30,
    stateful_step_count=settings.default.stateful_step_count if LONG else 25,
    deadline=None,
    print_blob=True,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
