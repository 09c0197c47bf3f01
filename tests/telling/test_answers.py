"""What people answer, and what comes of it: closed, opened again with their words, silence, counted."""

from dataclasses import replace
from pathlib import Path

import pytest

from loopbot.domain.effects import Cause, Tell
from loopbot.domain.events import Changed
from loopbot.domain.forms import Filled, Form
from loopbot.domain.records import Deployment, Feedback, Incident, Involved, Issue, Link, Person, Problem, Ref
from loopbot.domain.speech import Message, plain
from loopbot.language.loader import load_rules
from loopbot.usecases.absorb import absorb
from loopbot.usecases.deliver import deliver
from loopbot.usecases.enact import decide, follow
from loopbot.usecases.listen import Conversation
from loopbot.usecases.telling.answering import STILL_BROKEN, tallies
from loopbot.usecases.wake import wake
from tests.support.bureau import Bureau, words_in
from tests.support.made import START, at
from tests.support.systems import FakeSink

RULES = Path(__file__).parents[2] / "rules"
INC = Ref("servicenow", "incident", "INC0000001")
PRB = Ref("servicenow", "problem", "PRB7")
ISSUE = Ref("jira", "issue", "LOOP-42")


@pytest.fixture
def town(bureau: Bureau) -> Bureau:
    """The starter rules on made-up systems, and a fix that is out."""
    loaded = load_rules(RULES)
    assert not loaded.errors
    bureau.rules = tuple(replace(rule, mode="live") for rule in loaded.rules)
    bureau.sinks["servicenow"], bureau.sinks["jira"] = FakeSink(), FakeSink("jira")
    bureau.twin.add_channel("support")
    bureau.twin.add_channel("releases")
    return bureau


def world(bureau: Bureau, reporter: Person, state: str = "resolved") -> None:
    """An incident, its problem, its issue, and the deployment that brought the fix."""
    people = (Involved("reporter", reporter),)
    records = [
        Incident(
            ref=INC, ident="1", title="Export fails", state=state, updated_at=at(0), opened_at=at(-600), people=people
        ),
        Problem(ref=PRB, ident="2", title="Recurring: export", state="resolved", updated_at=at(0), resolved_at=at(-30)),
        Issue(ref=ISSUE, ident="3", title="CSV times out", state="done", updated_at=at(0), resolved_at=at(-30)),
        deployed("881", at(-5)),
    ]
    links = [
        Link(PRB, "problem_of", INC, by="rule:test"),
        Link(ISSUE, "fixes", PRB, by="rule:test"),
        Link(Ref("github", "deployment", "881"), "delivers", ISSUE, by="rule:test"),
    ]
    with bureau.store.write() as tx:
        tx.mirror.put(records)
        follow(bureau.loop, tx, tx.links.put(links))


def deployed(key: str, moment: object, environment: str = "production", **fields: object) -> Deployment:
    ref = Ref("github", "deployment", key)
    return Deployment(  # type: ignore[misc]
        ref=ref,
        ident=key,
        title=key,
        state="succeeded",
        updated_at=moment,
        finished_at=moment,
        environment=environment,
        **fields,
    )


def everything(bureau: Bureau) -> None:
    for _ in range(4):
        for system in sorted(bureau.sinks):
            deliver(bureau.loop, system)


def done_in(bureau: Bureau, system: str) -> list[tuple[str, str, str]]:
    """What was written: verb, target, and to what."""
    sink = bureau.sinks[system]
    assert isinstance(sink, FakeSink)
    found = []
    for one in sink.ledger:
        effect = one.effect
        target = getattr(effect, "target", None)
        found.append(
            (effect.verb, target.key if target else "", str(getattr(effect, "to", "") or getattr(effect, "text", "")))
        )
    return found


def question_key(bureau: Bureau, about: Ref = INC, question: str = "fixed") -> str:
    with bureau.store.read() as tx:
        rows = [
            row for row in tx.outbox.about(about) if isinstance(row.effect, Tell) and row.effect.question == question
        ]
    return rows[-1].effect.key


def slack_person(bureau: Bureau, person: Person) -> Person:
    user = next(one for one in bureau.twin.workspace.users.values() if one.email == person.email)
    return Person("slack", user.id, user.name, user.email)


def test_yes_closes_what_was_resolved_once(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    everything(town)
    assert len(town.told(ann)) == 1
    talk = Conversation(town.loop)
    for _ in range(2):
        assert isinstance(talk.answer(slack_person(town, ann), question_key(town), "yes"), Message)
        everything(town)
    moves = [one for one in done_in(town, "servicenow") if one[0] == "transition"]
    assert moves == [("transition", INC.key, "closed")]


def test_still_broken_opens_all_of_it_again_and_the_words_follow(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    everything(town)
    talk, person, key = Conversation(town.loop), slack_person(town, ann), question_key(town)
    form = talk.answer(person, key, "no")
    assert isinstance(form, Form)
    everything(town)
    assert ("transition", INC.key, "in_progress") in done_in(town, "servicenow"), (
        "the answer counts without words as well"
    )
    assert ("transition", PRB.key, "investigating") in done_in(town, "servicenow")
    assert ("transition", ISSUE.key, "todo") in done_in(town, "jira")
    said = talk.submitted(
        person, Filled(STILL_BROKEN, {"words": "It stops at 900 now. <!channel>"}, context=form.context)
    )
    assert isinstance(said, Message)
    everything(town)
    assert any("It stops at 900 now." in text for _, _, text in done_in(town, "servicenow"))
    [message] = town.twin.messages("support")
    assert "It stops at 900 now. <!channel>" in words_in(message.blocks)
    moves = [one for one in done_in(town, "servicenow") if one[0] == "transition" and one[1] == INC.key]
    assert len(moves) == 1, "the same answer with words moves nothing again"
    [tally] = tallies(town.loop, START)
    assert tally.counts == (("no", 1),)
    assert tally.words[0].words.startswith("It stops at 900")


def test_one_yes_for_several_reports_is_noted_for_each_and_leaves_what_was_answered_otherwise(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    others = [Ref("servicenow", "incident", f"INC000000{number}") for number in (2, 3)]
    with town.store.write() as tx:
        first = tx.mirror.get(INC)
        assert first is not None
        tx.mirror.put([replace(first, ref=ref, ident=ref.key) for ref in others])
        follow(town.loop, tx, tx.links.put([Link(PRB, "problem_of", ref, by="rule:test") for ref in others]))
    everything(town)
    keys = [question_key(town, ref) for ref in (INC, *others)]
    talk, person = Conversation(town.loop), slack_person(town, ann)
    talk.submitted(person, Filled(STILL_BROKEN, {"words": "It still fails."}, context=keys[0]))
    for _ in range(2):
        said = talk.answer(person, ",".join(keys), "yes")
        assert isinstance(said, Message)
        assert plain(said) == "Good. All 2 count as fixed for you."
    everything(town)
    assert {one.question: dict(one.counts) for one in tallies(town.loop, START)}["fixed"] == {"yes": 2, "no": 1}
    closed = [one[1] for one in done_in(town, "servicenow") if one[0] == "transition" and one[2] == "closed"]
    assert sorted(closed) == [ref.key for ref in others]
    bob = slack_person(town, town.person("Bob"))
    assert "asked to someone else" in plain(talk.answer(bob, ",".join(keys[1:]), "yes"))  # type: ignore[arg-type]


def test_whoever_was_not_asked_can_not_answer(town: Bureau) -> None:
    ann, bo = town.person("Ann"), town.person("Bo")
    world(town, ann)
    everything(town)
    said = Conversation(town.loop).answer(slack_person(town, bo), question_key(town), "yes")
    assert isinstance(said, Message)
    everything(town)
    assert not [one for one in done_in(town, "servicenow") if one[0] == "transition"]


def test_whoever_slack_says_less_about_for_a_moment_is_the_same_person(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    everything(town)
    talk, known = Conversation(town.loop), slack_person(town, ann)
    talk.answer(replace(known, name="", email=None), question_key(town), "no")
    talk.answer(known, question_key(town), "yes")
    [tally] = tallies(town.loop, START)
    assert tally.counts == (("yes", 1),), "the last word of one person stands, and counts once"


def test_silence_is_heard_after_its_time_and_only_where_nobody_answered(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    everything(town)
    town.after(days=13)
    assert not wake(town.loop)
    town.after(days=2)
    wake(town.loop)
    everything(town)
    assert ("transition", INC.key, "closed") in done_in(town, "servicenow")


def test_an_answer_ends_the_wait_for_one(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    everything(town)
    Conversation(town.loop).answer(slack_person(town, ann), question_key(town), "no", "still so")
    everything(town)
    town.after(days=20)
    wake(town.loop)
    everything(town)
    assert ("transition", INC.key, "closed") not in done_in(town, "servicenow")


def test_a_rating_is_asked_after_a_yes_and_counted(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    everything(town)
    talk, person = Conversation(town.loop), slack_person(town, ann)
    talk.answer(person, question_key(town), "yes")
    town.after(minutes=11)
    everything(town)
    talk.answer(person, question_key(town, question="rating"), "4")
    found = {one.question: one for one in tallies(town.loop, START)}
    assert found["rating"].mean == 4.0


def rolled_back(bureau: Bureau, key: str, minutes: float) -> None:
    link = Link(Ref("github", "deployment", key), "withdraws", ISSUE, by="system:github")
    with bureau.store.write() as tx:
        absorb(bureau.loop, tx, [deployed(key, at(minutes), links=(link,))])


def test_a_roll_back_is_told_to_those_who_were_told_and_a_new_delivery_again(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    everything(town)
    town.after(minutes=30)
    rolled_back(town, "882", 29)
    everything(town)
    assert len(town.told(ann)) == 2
    assert "had to be taken back" in words_in(town.told(ann)[1].blocks)
    town.after(minutes=30)
    link = Link(Ref("github", "deployment", "883"), "delivers", ISSUE, by="system:github")
    with town.store.write() as tx:
        absorb(town.loop, tx, [deployed("883", at(59), links=(link,))])
    everything(town)
    assert len(town.told(ann)) == 3
    assert "is fixed in production" in words_in(town.told(ann)[2].blocks)
    for _ in range(2):
        with town.store.write() as tx:
            decide(town.loop, tx, [Changed(tx.mirror.get(INC))])  # type: ignore[arg-type]
        town.after(hours=1)
        everything(town)
    assert len(town.told(ann)) == 3


def test_what_was_not_told_yet_when_it_was_rolled_back_is_never_told(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)  # planned, and not delivered
    rolled_back(town, "882", -1)
    everything(town)
    town.after(hours=1)
    everything(town)
    assert not town.told(ann)
    with town.store.read() as tx:
        told = [row for row in tx.outbox.about(INC) if isinstance(row.effect, Tell)]
    assert [(row.state, row.why) for row in told] == [("dropped", "it was taken back before it was told")]


def test_the_thread_that_a_report_came_from_gets_the_answer_too(town: Bureau) -> None:
    ann = town.person("Ann")
    channel = town.twin.add_channel("help-export")
    said = town.twin.say(next(iter(town.twin.workspace.users)), "help-export", "The export fails", ack_within=None)
    stamp = said if isinstance(said, str) else said.ts
    from loopbot.domain.effects import OpenTicket
    from loopbot.domain.receipts import Receipt

    origin = Ref("slack", "message", f"{channel}/{stamp}")
    opened = OpenTicket(
        system="servicenow",
        cause=Cause("feedback", origin, "0"),
        kind="incident",
        place="incident",
        title="Export fails",
    )
    with town.store.write() as tx:
        tx.outbox.plan([opened])
        [claimed] = tx.outbox.claim("servicenow", "one", 60, 5)
        tx.outbox.settle("one", claimed, Receipt(opened.key, INC))
    world(town, ann)
    everything(town)
    replies = [one.payload for one in town.twin.ledger.entries("slack", "post") if one.payload["thread_ts"] == stamp]
    assert len(replies) == 1
    assert "Fixed in production since" in words_in(replies[0]["blocks"])


def test_reports_without_an_environment_are_told_where_their_service_or_account_is(town: Bureau) -> None:
    ann = town.person("Ann")
    town.manners = replace(town.manners, environments={"Order Export": "staging", "example.com": "eu"})
    with town.store.write() as tx:
        base = Incident(
            ref=INC, ident="1", title="x", state="new", updated_at=at(0), people=(Involved("reporter", ann),)
        )
        absorb(town.loop, tx, [replace(base, services=frozenset({"Order Export"}))])
        assert tx.mirror.get(INC).environment == "staging"  # type: ignore[union-attr]
        other = replace(base, ref=Ref("servicenow", "incident", "INC2"), ident="2")
        absorb(
            town.loop,
            tx,
            [other, replace(other, ref=Ref("servicenow", "incident", "INC3"), ident="3", environment="us")],
        )
        assert tx.mirror.get(other.ref).environment == "eu"  # type: ignore[union-attr]
        assert tx.mirror.get(Ref("servicenow", "incident", "INC3")).environment == "us"  # type: ignore[union-attr]


def test_what_will_not_be_done_is_told_once_with_the_reason_and_only_then(town: Bureau) -> None:
    ann = town.person("Ann")
    wish = Ref("servicenow", "feedback", "FB1")
    said = Feedback(ref=wish, ident="f1", title="Please add dark mode", state="planned", updated_at=at(0), opened_at=at(0), people=(Involved("reporter", ann),))  # fmt: skip
    item = Issue(ref=ISSUE, ident="3", title="Dark mode", state="wont_do", updated_at=at(5), links=(Link(ISSUE, "fixes", wish),))  # fmt: skip
    with town.store.write() as tx:
        absorb(town.loop, tx, [said, item])
    everything(town)
    assert [text for verb, key, text in done_in(town, "jira") if verb == "comment" and key == ISSUE.key]
    assert not told_that(town, ann, "We will not do")
    reasoned = replace(item, reason="The portal is replaced in spring. <!channel>", updated_at=at(6))
    for _ in range(2):
        with town.store.write() as tx:
            absorb(town.loop, tx, [reasoned])
        town.after(hours=1)
        everything(town)
    assert len(told_that(town, ann, "We will not do")) == 1
    assert "The portal is replaced in spring." in told_that(town, ann, "We will not do")[0]


def told_that(bureau: Bureau, person: Person, words: str) -> list[str]:
    return [text for one in bureau.told(person) if words in (text := words_in(one.blocks))]


def test_a_fixed_problem_is_watched_and_then_called_solved(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    with town.store.write() as tx:
        decide(town.loop, tx, [Changed(tx.mirror.get(PRB))])  # type: ignore[arg-type]
    town.after(days=6)
    assert not notes_on(town, PRB)
    town.after(days=2)
    wake(town.loop)
    everything(town)
    assert notes_on(town, PRB) == ["Solved: 7 days without a recurrence."]


def test_a_recurrence_within_the_watch_opens_problem_and_issue_again_and_says_so(town: Bureau) -> None:
    ann = town.person("Ann")
    world(town, ann)
    with town.store.write() as tx:
        decide(town.loop, tx, [Changed(tx.mirror.get(PRB))])  # type: ignore[arg-type]
        absorb(town.loop, tx, [replace(tx.mirror.get(ISSUE), updated_at=at(1))])  # type: ignore[type-var]
    town.after(days=3)
    again = Ref("servicenow", "incident", "INC0000009")
    back = Incident(
        ref=again, ident="9", title="Export fails", state="new", updated_at=at(4000), opened_at=at(4000),
        links=(Link(PRB, "problem_of", again, by="system:servicenow"),),
    )  # fmt: skip
    with town.store.write() as tx:
        absorb(town.loop, tx, [back])
    everything(town)
    assert ("transition", PRB.key, "investigating") in done_in(town, "servicenow")
    assert ("transition", ISSUE.key, "todo") in done_in(town, "jira")
    assert any("It came back" in words_in(one.blocks) for one in town.twin.messages("support"))
    town.after(days=10)
    wake(town.loop)
    everything(town)
    assert not any("Solved" in note for note in notes_on(town, PRB))


def notes_on(bureau: Bureau, ref: Ref) -> list[str]:
    return [text for verb, key, text in done_in(bureau, "servicenow") if verb == "comment" and key == ref.key]
