"""How much items matter: everybody behind one is a vote of it, once; and what a tracker shows of that is kept current."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import cast

from loopbot.domain.effects import OpenTicket, SetFields
from loopbot.domain.people import Alias, Roster
from loopbot.domain.receipts import Receipt
from loopbot.domain.records import Feedback, Incident, Involved, Issue, Link, Person, Problem, Record, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Rule
from loopbot.judgement.priority import Priority
from loopbot.judgement.shipped import shipped_judgement
from loopbot.language.loader import load_rule, parse_rule
from loopbot.ports import Sink
from loopbot.store import SqlStore
from loopbot.usecases.absorb import absorb
from loopbot.usecases.backlog import backlog
from loopbot.usecases.deliver import deliver
from loopbot.usecases.loop import Loop
from loopbot.usecases.preview import review
from loopbot.usecases.weights import look_at_weights
from loopbot.wiring import starter_rules
from tests.support.clock import FakeClock
from tests.support.made import START, cause
from tests.support.systems import FakeSink

SHOWS = """
about = "An open item shows how much it matters now."
on = "issue"
when = "not it.finished"
limit = {limit}
mode = "{mode}"
[[then]]
do = "set"
keep_current = true
fields = {{ weight = "{{weight}}" }}
"""
ROSTER = Roster([Alias("Ann Lee", "ann@acme.example", {"slack": "U1"})])


def shows(limit: int = 100, mode: str = "live") -> Rule:
    loaded = parse_rule(SHOWS.format(limit=limit, mode=mode), "show-weight")
    assert not loaded.errors
    return loaded.rules[0]


def loop_of(store: SqlStore, clock: FakeClock, *rules: Rule) -> tuple[Loop, FakeSink]:
    sink = FakeSink("jira")
    judgement = replace(shipped_judgement(), weigher=Priority(roster=ROSTER, step=5))
    sinks = {"jira": cast("Sink", sink)}
    return Loop(store, Rulebook(rules), sinks, clock, "one", judgement=judgement, roster=ROSTER), sink


def item(number: int = 1, **fields: object) -> Issue:
    ref = Ref("jira", "issue", f"LOOP-{number}")
    made = Issue(ref=ref, ident=str(number), title="Export of invoices hangs", state="todo", updated_at=START)
    return replace(made, opened_at=START, **fields)  # type: ignore[arg-type]


def said(key: str, person: Person, *links: Link, title: str = "The export of invoices hangs") -> Feedback:
    return Feedback(
        ref=Ref("slack", "feedback", key),
        ident=key,
        title=title,
        state="new",
        topic="bug",
        updated_at=START,
        people=(Involved("reporter", person),),
        links=links,
    )


def hit(key: str, person: Person) -> Incident:
    ref = Ref("servicenow", "incident", key)
    return Incident(
        ref=ref, ident=key, title="Invoices", state="new", updated_at=START, people=(Involved("reporter", person),)
    )


def someone(number: int) -> Person:
    return Person("slack", f"U{100 + number}", f"Person {number}", f"p{number}@acme.example")


def take(loop: Loop, *records: Record) -> None:
    with loop.store.write() as tx:
        absorb(loop, tx, records)


def behind(loop: Loop, key: str, *records: Record) -> None:
    """Records come in and are linked with the item."""
    take(loop, *records)
    with loop.store.write() as tx:
        tx.links.put([Link(Ref("jira", "issue", key), "fixes", one.ref, by="person:po") for one in records])


def shown(sink: FakeSink) -> list[str]:
    return [cast("SetFields", one.effect).fields[0][1] for one in sink.ledger]


def test_everybody_behind_an_item_votes_for_it_once_over_whatever_links_and_under_whatever_name(
    store: SqlStore, clock: FakeClock
) -> None:
    (joins,) = load_rule(starter_rules() / "feedback-to-backlog.toml").rules
    loop, _ = loop_of(store, clock, joins)
    ann, ann_in_slack = Person("servicenow", "u1", "Ann Lee", "ann@acme.example"), Person("slack", "U1", "ann")
    bob, eve = Person("slack", "U2", "Bob"), Person("servicenow", "u3", "Eve", "eve@other.example")
    problem = Problem(ref=Ref("servicenow", "problem", "PRB1"), ident="p", title="x", state="new", updated_at=START)
    noise = [item(number, title=f"Page {number} of the manual is out of date") for number in range(2, 12)]
    take(loop, item(), *noise, problem, hit("INC1", ann), hit("INC2", eve))
    with store.write() as tx:
        tx.links.put(
            [
                Link(item().ref, "fixes", problem.ref, by="person:po"),
                Link(problem.ref, "problem_of", Ref("servicenow", "incident", "INC1"), by="rule:x"),
                Link(problem.ref, "problem_of", Ref("servicenow", "incident", "INC2"), by="rule:x"),
            ]
        )
    clock.sleep(60)
    matched = said("FB1", ann_in_slack, title=item().title)
    again = said(
        "FB2", bob, Link(Ref("slack", "feedback", "FB2"), "duplicates", matched.ref, by="system:slack"), title="Same"
    )
    take(loop, matched)
    with store.read() as tx:
        assert tx.linked(matched.ref, "fixes"), "the rule joins it to the item that says the same"
    take(loop, replace(again, topic="praise"))

    known = next(one.known for one in backlog(loop, Priority(roster=ROSTER)) if one.record.ref == item().ref)

    assert known.votes == 3
    assert {person.name for person in known.people} == {"Ann Lee", "Bob", "Eve"}
    assert known.accounts == ("acme.example", "other.example")
    assert known.incidents == 2


def test_whoever_the_tracker_names_as_reporter_of_what_loopbot_opened_is_no_vote(
    store: SqlStore, clock: FakeClock
) -> None:
    loop, _ = loop_of(store, clock, shows())
    robot = (Involved("reporter", Person("jira", "bot", "loopbot")),)
    _opened_by_us(loop, item().ref)
    take(loop, item(people=robot), item(2, people=robot))

    votes = {one.record.key: one.known.votes for one in backlog(loop, Priority())}

    assert votes == {"LOOP-1": 0, "LOOP-2": 1}


def _opened_by_us(loop: Loop, ref: Ref) -> None:
    opens = OpenTicket(system="jira", cause=cause(), kind="issue", place="LOOP", title="Export of invoices hangs")
    with loop.store.write() as tx:
        tx.outbox.plan([opens])
        (delivery,) = tx.outbox.claim("jira", "one", 60, 1)
        assert tx.outbox.settle("one", delivery, Receipt(opens.key, ref))


def test_what_is_shown_is_written_anew_only_where_the_weight_has_moved_by_much(
    store: SqlStore, clock: FakeClock
) -> None:
    loop, sink = loop_of(store, clock, shows())
    take(loop, item())
    deliver(loop, "jira")
    assert shown(sink) == ["0"]

    assert look_at_weights(loop) == frozenset()
    behind(loop, "LOOP-1", *(said(f"FA{number}", someone(number)) for number in range(3)))
    assert look_at_weights(loop) == {"jira"}
    deliver(loop, "jira")
    behind(loop, "LOOP-1", said("FB0", someone(3)))
    assert look_at_weights(loop) == frozenset(), "one more person is not much"
    behind(loop, "LOOP-1", *(said(f"FB{number}", someone(number)) for number in range(4, 12)))
    assert look_at_weights(loop) == {"jira"}
    deliver(loop, "jira")
    deliver(loop, "jira")

    values = [float(value) for value in shown(sink)]
    assert len(values) == 3
    assert values == sorted(values)
    assert all(later - earlier >= 5 for earlier, later in pairwise(values))
    assert len({one.effect.key for one in sink.ledger}) == 1, "it is one effect, kept current"


def test_a_change_of_the_item_itself_writes_no_more_than_a_look_does(store: SqlStore, clock: FakeClock) -> None:
    loop, sink = loop_of(store, clock, shows())
    take(loop, item())
    behind(loop, "LOOP-1", said("FB1", someone(1)))
    take(loop, item(text="More of it.", updated_at=START + timedelta(minutes=5)))
    look_at_weights(loop)
    deliver(loop, "jira")

    assert len(shown(sink)) == 1, "what waits says what holds now, and goes out once"
    assert float(shown(sink)[0]) > 5


def test_the_dry_run_shows_the_write_that_the_look_will_bring_and_leaves_no_trace(
    store: SqlStore, clock: FakeClock
) -> None:
    loop, sink = loop_of(store, clock, shows())
    take(loop, item())
    deliver(loop, "jira")
    behind(loop, "LOOP-1", said("FB1", someone(1)))

    foreseen = [effect for one in review(loop) for effect in one.new]

    assert [(effect.verb, cast("SetFields", effect).fields) for effect in foreseen] == [
        ("set", (("weight", str(cast("SetFields", foreseen[0]).weight)),))
    ]
    assert deliver(loop, "jira").settled == 0
    look_at_weights(loop)
    deliver(loop, "jira")
    assert shown(sink)[-1] == foreseen[0].fields[0][1]  # type: ignore[attr-defined]


def test_weights_that_move_all_at_once_stop_at_the_limit_of_their_rule(store: SqlStore, clock: FakeClock) -> None:
    loop, sink = loop_of(store, clock, shows(limit=3))
    for number in range(1, 7):
        take(loop, item(number))
        clock.sleep(3600)
    deliver(loop, "jira")
    for number in range(1, 7):
        behind(loop, f"LOOP-{number}", said(f"FB{number}", someone(number)))
    clock.sleep(3601)

    look_at_weights(loop)
    deliver(loop, "jira")

    with store.read() as tx:
        counts = {state: count for (_, state), count in tx.outbox.counts().items()}
    assert counts == {"settled": 3, "held": 3}
    assert len(sink.ledger) == 6 + 3


def test_a_rule_in_shadow_and_a_finished_item_write_nothing(store: SqlStore, clock: FakeClock) -> None:
    loop, sink = loop_of(store, clock, shows(mode="shadow"))
    take(loop, item(), item(2, state="done"))
    behind(loop, "LOOP-1", said("FB1", someone(1)))
    look_at_weights(loop)
    deliver(loop, "jira")
    live, _ = loop_of(store, clock, shows())
    behind(live, "LOOP-2", said("FB2", someone(2)))

    assert sink.ledger == []
    assert look_at_weights(live) == {"jira"}, "what was in shadow goes out, of the open one"
    with store.read() as tx:
        assert [row.effect.cause.subject.key for row in tx.outbox.rows({"planned"})] == ["LOOP-1"]
