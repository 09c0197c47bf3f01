"""Judging is pure: a view made of lists, events in, plans out."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from loopbot.domain.events import Changed, Due
from loopbot.domain.judging import judge
from loopbot.domain.questions import Ask, Asking, Standing, Tie
from loopbot.domain.ranking import Judgement
from loopbot.domain.records import Change, Link, Record, Ref
from loopbot.domain.rules import Match, Once, Repeat
from loopbot.domain.scoring import Ranked, distance
from loopbot.domain.views import View
from loopbot.domain.words import Kind, Relation
from loopbot.usecases.questions.showing import LONGEST_ALONE
from tests.support.made import at, deployment, incident, issue
from tests.support.ruling import NoteIt, OpenAndLink, Says, When, rule


@dataclass
class ListView:
    records: Sequence[Record] = ()
    links: Sequence[Link] = ()
    moment: datetime = field(default_factory=lambda: at(60))
    standing: Standing | None = None
    no: frozenset[Ref] = frozenset()
    one_problem: frozenset[Ref] = frozenset()

    def now(self) -> datetime:
        return self.moment

    def record(self, ref: Ref) -> Record | None:
        return next((one for one in self.records if one.ref == ref), None)

    def between(
        self, kind: Kind, since: datetime, until: datetime, services: frozenset[str] = frozenset()
    ) -> Sequence[Record]:
        found = [one for one in self.records if one.kind == kind and since <= one.occurred_at <= until]
        return [one for one in found if not services or services & one.services]

    def depends(self, services: Collection[str]) -> frozenset[str]:
        return frozenset()

    def linked(self, ref: Ref, relation: Relation | None = None) -> Sequence[Link]:
        return [one for one in self.links if ref in (one.source, one.target) and relation in (None, one.relation)]

    def led_to(self, ref: Ref, relation: Relation) -> Collection[Ref]:
        return {link.target for link in self.linked(ref, relation) if link.source == ref}

    def asked(self, kind: Asking, subjects: Collection[Ref]) -> Standing | None:
        return self.standing if self.standing and self.standing.subject in subjects else None

    def refused(self, ref: Ref, relation: Relation) -> frozenset[Ref]:
        return self.no

    def apart(self, ref: Ref) -> frozenset[Ref]:
        return self.no

    def promoted_with(self, ref: Ref) -> frozenset[Ref]:
        return self.one_problem - {ref}


def change(number: int = 1, minutes: float = 0, **fields: object) -> Change:
    given = {
        "title": "new export",
        "state": "closed",
        "updated_at": at(minutes),
        "started_at": at(minutes - 5),
        **fields,
    }
    return Change(ref=Ref("servicenow", "change", f"CHG{number:07d}"), ident=f"chg{number}", **given)  # type: ignore[arg-type]


SHOP = frozenset({"shop"})


def test_a_condition_that_does_not_hold_plans_nothing_and_says_what_it_saw() -> None:
    (plan,) = judge(rule(when=When(lambda scope: False)), Changed(incident()), ListView())
    assert not plan.effects
    assert [(step.held, step.saw) for step in plan.steps] == [(False, "it is INC0000001")]


def test_a_rule_that_is_off_is_silent() -> None:
    assert not list(judge(rule(mode="off"), Changed(incident()), ListView()))


def test_the_same_thing_said_twice_has_the_same_identity_whatever_its_text() -> None:
    one, two = (
        next(iter(judge(rule(then=(NoteIt(text),)), Changed(incident()), ListView()))).effects[0]
        for text in ("seen", "noticed")
    )
    assert one.key == two.key
    assert one.text != two.text  # type: ignore[attr-defined]


def test_what_once_names_makes_another_effect() -> None:
    by_state = rule(once=Once(Says(lambda scope: scope.it.state)))
    keys = {
        next(iter(judge(by_state, Changed(incident(state=state)), ListView()))).effects[0].key
        for state in ("new", "in_progress", "new")
    }
    assert len(keys) == 2


def test_a_window_of_once_lets_the_effect_happen_again_in_the_next_one() -> None:
    weekly = rule(once=Once(span=timedelta(days=7)))
    first = next(iter(judge(weekly, Changed(incident()), ListView()))).effects[0].key
    again = next(iter(judge(weekly, Changed(incident()), ListView(moment=at(90))))).effects[0].key
    later = next(iter(judge(weekly, Changed(incident()), ListView(moment=at(60 * 24 * 8))))).effects[0].key
    assert first == again != later


def test_a_young_record_waits_until_it_has_settled_and_an_old_one_does_not() -> None:
    settling = rule(settle=timedelta(minutes=30))
    young = incident(opened_at=at(50))
    (waits,) = judge(settling, Changed(young), ListView())
    assert not waits.effects
    assert [timer.at for timer in waits.timers] == [at(80)]
    (done,) = judge(settling, Due(settling.name, young, "settle", at(80)), ListView(moment=at(80)))
    assert done.effects
    (old,) = judge(settling, Changed(incident(opened_at=at(0))), ListView())
    assert old.effects


def test_a_condition_that_stops_to_hold_cancels_its_timer() -> None:
    settling = rule(settle=timedelta(minutes=30), when=When(lambda scope: scope.it.state == "new"))
    (plan,) = judge(settling, Changed(incident(state="cancelled", opened_at=at(50))), ListView())
    assert plan.cancels


def test_a_match_wakes_from_the_other_side_when_the_change_comes_late() -> None:
    matching = rule(match=Match(kind="change", rank="suspect"))
    broken = incident(opened_at=at(10), services=SHOP, title="export is broken")
    late = change(minutes=0, services=SHOP, finished_at=at(0))
    view = ListView([broken, late])
    (from_change,) = judge(matching, Changed(late), view)
    (from_incident,) = judge(matching, Changed(broken), view)
    assert from_change.subject == broken.ref
    assert from_change.effects[0].key == from_incident.effects[0].key


def test_a_change_that_began_after_the_incident_is_never_suspected() -> None:
    matching = rule(match=Match(kind="change", rank="suspect", link_at=0.0))
    broken = incident(opened_at=at(10), services=SHOP)
    later = change(minutes=30, services=SHOP)
    (plan,) = judge(matching, Changed(broken), ListView([broken, later]))
    assert not plan.effects


def test_a_suspect_between_the_bars_is_asked_about_and_not_linked() -> None:
    matching = rule(match=Match(kind="change", rank="suspect", link_at=0.999, ask_at=0.1))
    broken = incident(opened_at=at(10), services=SHOP)
    (plan,) = judge(matching, Changed(broken), ListView([broken, change(services=SHOP, finished_at=at(0))]))
    assert not plan.effects
    assert plan.asks


def test_a_named_change_is_found_whatever_its_age() -> None:
    old = change(minutes=-60 * 24 * 20)
    broken = incident(opened_at=at(10), text="since CHG0000001 nothing works")
    matching = rule(match=Match(kind="change", rank="suspect"))
    (plan,) = judge(matching, Changed(broken), ListView([broken, old, change(2, services=SHOP)]))
    assert "CHG0000001" in plan.because
    assert "CHG0000001" in plan.effects[0].text  # type: ignore[attr-defined]


def test_a_deployment_is_reached_over_problem_and_issue_and_also_without_a_problem() -> None:
    broken, wish, item, out = incident(), incident(2), issue(), deployment()
    problem = Ref("servicenow", "problem", "PRB1")
    links = [
        Link(problem, "problem_of", broken.ref),
        Link(item.ref, "fixes", problem),
        Link(item.ref, "fixes", wish.ref),
        Link(out.ref, "delivers", item.ref),
    ]
    telling = rule(match=Match(kind="deployment", through=("problem_of", "fixes", "delivers")))
    view = ListView([broken, wish, item, out], links)
    assert {plan.subject for plan in judge(telling, Changed(out), view) if plan.effects} == {broken.ref, wish.ref}


def test_pick_all_gathers_and_pick_each_acts_on_every_one() -> None:
    out, items = deployment(), [issue(1), issue(2)]
    links = [Link(out.ref, "delivers", one.ref) for one in items]
    view = ListView([out, *items], links)
    on = frozenset({"deployment"})
    (all_of,) = judge(rule(on=on, match=Match(kind="issue", through=("delivers",), pick="all")), Changed(out), view)
    (each,) = judge(rule(on=on, match=Match(kind="issue", through=("delivers",), pick="each")), Changed(out), view)
    assert len(all_of.effects) == 1
    assert len({effect.key for effect in each.effects}) == 2


def test_an_optional_match_goes_on_without_the_other() -> None:
    (plan,) = judge(rule(match=Match(kind="issue", optional=True)), Changed(incident()), ListView())
    assert plan.effects
    (needed,) = judge(rule(match=Match(kind="issue")), Changed(incident()), ListView())
    assert not needed.effects


def test_too_few_of_the_like_are_not_promoted_and_the_step_says_how_many_there_were() -> None:
    repeating = rule(repeat=Repeat(at_least=3, within=timedelta(days=14)), then=(OpenAndLink(),))
    two = [incident(number, number, services=SHOP) for number in (1, 2)]
    (plan,) = judge(repeating, Changed(two[1]), ListView(two))
    assert not plan.effects
    assert plan.steps[-1].saw.startswith("2:")


def test_whichever_ticket_of_a_cluster_is_judged_the_problem_is_the_same() -> None:
    repeating = rule(repeat=Repeat(at_least=3, within=timedelta(days=14)), then=(OpenAndLink(),))
    three = [incident(number, number, services=SHOP) for number in (1, 2, 3)]
    (plan,) = judge(repeating, Changed(three[2]), ListView(three))
    late = replace(three[2], ref=Ref("servicenow", "incident", "INC0000009"), updated_at=at(4))
    (again,) = judge(repeating, Changed(late), ListView([*three, late]))
    assert plan.effects[0].key == again.effects[0].key
    assert plan.subject == three[0].ref


def test_tickets_of_other_services_and_other_words_do_not_count() -> None:
    repeating = rule(repeat=Repeat(at_least=2, within=timedelta(days=14), alike=0.4), then=(OpenAndLink(),))
    here = incident(1, 3, services=SHOP, title="export stops halfway")
    elsewhere = incident(2, 1, services=frozenset({"mail"}), title="export stops halfway")
    unlike = incident(3, 2, services=SHOP, title="printer is out of paper")
    alike = incident(4, 2, services=SHOP, title="the export stops")
    (no,) = judge(repeating, Changed(here), ListView([here, elsewhere, unlike]))
    (yes,) = judge(repeating, Changed(here), ListView([here, elsewhere, unlike, alike]))
    assert not no.effects
    assert yes.effects


@dataclass(frozen=True)
class Certain:
    """A judgement that always has the same opinion."""

    suspect: Change
    score: float

    def rank(self, it: Record, view: View, match: Match, among: Sequence[Record] | None = None) -> Iterable[Ranked]:
        return [Ranked(self.suspect, self.score, ("it always is", "believe me"))]

    def concerned(self, other: Record, view: View, match: Match, kind: Kind) -> Iterable[Record]:
        return []


def test_the_judgement_that_is_plugged_in_ranks_and_its_evidence_is_in_the_plan() -> None:
    matching = rule(match=Match(kind="change", rank="suspect", link_at=0.9, ask_at=0.5))
    view = ListView([incident(opened_at=at(10))])
    (plan,) = judge(matching, Changed(incident()), view, Judgement(suspect=Certain(change(), 0.95)))
    assert plan.because == "it always is, believe me"
    (asks,) = judge(matching, Changed(incident()), view, Judgement(suspect=Certain(change(), 0.6)))
    assert asks.asks
    assert [(one.record.key, one.score) for one in asks.ranked] == [("CHG0000001", 0.6)]


def test_a_plan_that_asks_says_why_as_one_that_acts_does() -> None:
    suspecting = rule(match=Match(kind="change", rank="suspect", link_at=0.9, ask_at=0.5), ask=SUSPECTING)
    view = ListView([incident(opened_at=at(10))])
    (plan,) = judge(suspecting, Changed(incident()), view, Judgement(suspect=Certain(change(), 0.6)))
    assert plan.questions
    assert plan.because == "it always is, believe me"


def test_which_subjects_a_candidate_concerns_is_the_judgements_to_say() -> None:
    matching = rule(match=Match(kind="change", rank="suspect"))
    broken = incident(opened_at=at(10))
    assert not list(judge(matching, Changed(change()), ListView([broken]), Judgement(suspect=Certain(change(), 1.0))))


SUSPECTING = Ask(kind="cause", audience="agents", tie=Tie(relation="caused_by"))
BETWEEN = Match(kind="change", rank="suspect", link_at=0.999, ask_at=0.1)


def test_suspects_are_asked_about_with_their_evidence_and_nothing_is_asked_that_rests() -> None:
    broken, likely = incident(opened_at=at(10), services=SHOP), change(services=SHOP, finished_at=at(0))
    suspecting = rule(match=BETWEEN, ask=SUSPECTING)
    (plan,) = judge(suspecting, Changed(broken), ListView([broken, likely]))
    (question,) = plan.questions
    assert (question.kind, question.subject, question.audience) == ("cause", broken.ref, "agents")
    assert "same service (shop)" in question.text
    assert [one.answer.partition(".")[0] for one in question.options] == ["yes", "no", "other", "none"]
    rests = Standing(broken.ref, "expired", rests_until=at(120))
    (later,) = judge(suspecting, Changed(broken), ListView([broken, likely], standing=rests))
    assert (later.questions, later.asks) == ((), False)
    linked = [Link(broken.ref, "caused_by", likely.ref)]
    (known,) = judge(suspecting, Changed(broken), ListView([broken, likely], linked))
    assert known.questions == ()


def test_buttons_call_a_deployment_by_its_title_as_its_number_tells_nobody_anything() -> None:
    broken = incident(opened_at=at(10), services=SHOP)
    likely = deployment(services=SHOP, title="Shop 5.2 to production", finished_at=at(0))
    assert likely.key.isdecimal()
    either = replace(BETWEEN, also=("deployment",))
    (plan,) = judge(rule(match=either, ask=SUSPECTING), Changed(broken), ListView([broken, likely]))
    labels = [one.label for one in plan.questions[0].options]
    assert labels[:2] == ["Yes, Shop 5.2 to production", "Not Shop 5.2 to production"]
    assert labels[-1] == "No change or deployment caused it"


def test_what_people_ruled_out_is_no_candidate_however_sure_the_score_is() -> None:
    broken, likely = incident(opened_at=at(10), services=SHOP), change(services=SHOP, finished_at=at(0))
    sure = rule(match=Match(kind="change", rank="suspect", link_at=0.1), ask=SUSPECTING)
    (acts,) = judge(sure, Changed(broken), ListView([broken, likely]))
    assert acts.effects
    (no,) = judge(sure, Changed(broken), ListView([broken, likely], no=frozenset({likely.ref})))
    assert not no.effects
    none = Standing(broken.ref, "answered", "none")
    (nothing,) = judge(sure, Changed(broken), ListView([broken, likely], standing=none))
    assert not nothing.effects


def test_a_cluster_waits_for_a_yes_and_rests_after_not_now() -> None:
    asking = Ask(kind="cluster", audience="problem_managers", tie=Tie(relation="problem_of"), first=True)
    repeating = rule(repeat=Repeat(at_least=3, within=timedelta(days=14)), then=(OpenAndLink(),), ask=asking)
    three = [incident(number, number, services=SHOP) for number in (1, 2, 3)]
    (plan,) = judge(repeating, Changed(three[2]), ListView(three))
    (question,) = plan.questions
    assert (plan.effects, question.subject) == ((), three[0].ref)
    assert question.text.startswith("Are these 3 incidents on shop one problem?")
    not_now = Standing(three[0].ref, "answered", "not_now", at(10**5))
    (rests,) = judge(repeating, Changed(three[2]), ListView(three, standing=not_now))
    assert (rests.effects, rests.questions) == ((), ())
    yes = Standing(three[0].ref, "answered", "promote")
    (acts,) = judge(repeating, Changed(three[2]), ListView(three, standing=yes))
    assert acts.effects
    joined = [Link(Ref("servicenow", "problem", "PRB1"), "problem_of", three[0].ref)]
    (joins,) = judge(repeating, Changed(three[2]), ListView(three, joined))
    assert joins.links, "new occurrences join without asking"


@dataclass(frozen=True)
class Alike:
    """A judgement that finds all others alike, as surely and for the reasons it was given."""

    score: float
    because: tuple[str, ...]

    def alike(self, it: Record, view: View, repeat: Repeat) -> Iterable[Ranked]:
        others = view.between(it.kind, it.occurred_at - repeat.within, it.occurred_at)
        return [Ranked(one, self.score, (*self.because, distance(it, one))) for one in others if one.ref != it.ref]


PROMOTING = rule(
    repeat=Repeat(at_least=3, within=timedelta(days=14), alike=0.25),
    then=(OpenAndLink(),),
    ask=Ask(kind="cluster", audience="problem_managers", tie=Tie(relation="problem_of"), first=True),
)


def test_a_cluster_is_asked_about_with_how_sure_and_why_each_is_one_of_it() -> None:
    three = [incident(number, number, services=SHOP) for number in (1, 2, 3)]
    judgement = Judgement(repeats=Alike(0.42, ("both mention export", "same service (shop)")))
    (plan,) = judge(PROMOTING, Changed(three[2]), ListView(three), judgement)
    lines = plan.questions[0].text.splitlines()
    assert lines[2].endswith("how probable it is that each is the same as INC0000003, and why.")
    assert [line.partition(" UTC")[2] for line in lines[3:]] == [
        " (42%: both mention export, same service (shop))",
        " (42%: both mention export, same service (shop))",
        "",
    ], "when it came stands there already, and none is compared with itself"
    assert plan.because == "3 alike in 14 days"


def test_what_a_person_said_is_no_estimate_and_what_shares_a_service_alone_does_not_read_alike() -> None:
    three = [incident(number, number, services=SHOP) for number in (1, 2, 3)]
    said = Judgement(repeats=Alike(1.0, ("a person says that it is the same",)))
    (plan,) = judge(PROMOTING, Changed(three[2]), ListView(three), said)
    assert plan.questions[0].text.count(" (a person says that it is the same)") == 2
    by_service = replace(PROMOTING, repeat=Repeat(at_least=3, within=timedelta(days=14)))
    (plan,) = judge(by_service, Changed(three[2]), ListView(three))
    assert "They came within 2 minutes:" in plan.questions[0].text
    assert "%" not in plan.questions[0].text


def test_also_the_longest_question_about_a_cluster_is_shown_whole() -> None:
    many = [incident(number, number, services=frozenset({"s" * 300}), title="t" * 500) for number in range(1, 31)]
    judgement = Judgement(repeats=Alike(0.42, ("both mention " + "w" * 500,)))
    (plan,) = judge(PROMOTING, Changed(many[-1]), ListView(many), judgement)
    assert len(plan.questions[0].text) <= LONGEST_ALONE


def test_a_yes_counts_although_the_tickets_do_not_read_alike_any_more() -> None:
    asking = Ask(kind="cluster", audience="problem_managers", tie=Tie(relation="problem_of"), first=True)
    repeating = rule(repeat=Repeat(at_least=3, within=timedelta(days=14), alike=0.4), then=(OpenAndLink(),), ask=asking)
    three = [incident(number, number, services=SHOP, title="export stops halfway") for number in (1, 2)]
    three.append(incident(3, 3, services=SHOP, title="printer is out of paper"))
    yes = Standing(three[0].ref, "answered", "promote")
    said = frozenset(one.ref for one in three)
    (nothing,) = judge(repeating, Changed(three[2]), ListView(three, standing=yes))
    (acts,) = judge(repeating, Changed(three[2]), ListView(three, standing=yes, one_problem=said))
    (apart,) = judge(
        repeating, Changed(three[2]), ListView(three, standing=yes, one_problem=said, no=frozenset({three[0].ref}))
    )
    assert (nothing.effects, apart.effects) == ((), ())
    # One of them is asked about together with others since then.
    later = Standing(three[1].ref, "open")
    (still,) = judge(repeating, Changed(three[2]), ListView(three, standing=later, one_problem=said))
    assert [one.key for one in still.effects] == [one.key for one in acts.effects]
    assert len(acts.effects) == 1
    assert acts.subject == three[0].ref
    (held,) = [step for step in acts.steps if step.asked.startswith("at least 3 alike")]
    assert "a person says that they are one problem" in held.saw


def test_members_that_people_set_apart_do_not_count() -> None:
    repeating = rule(repeat=Repeat(at_least=3, within=timedelta(days=14)), then=(OpenAndLink(),))
    three = [incident(number, number, services=SHOP) for number in (1, 2, 3)]
    (plan,) = judge(repeating, Changed(three[2]), ListView(three, no=frozenset({three[0].ref})))
    assert not plan.effects
