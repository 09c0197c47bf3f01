"""Suspects: what is found, how it is weighed, and what a support agent reads of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from loopbot.domain.records import Change, Incident, Link, Record, Ref, Release
from loopbot.domain.rules import Match
from loopbot.domain.scoring import Ranked
from loopbot.judgement.cause import Suspects, gathered
from loopbot.judgement.cause_answers import Answered, samples_of
from loopbot.judgement.cause_features import FEATURES
from loopbot.judgement.cause_mentions import mentions, versions, without_names
from loopbot.judgement.cause_model import loaded, shipped_model
from loopbot.judgement.cause_training import fit, probabilities_of, sample_of
from loopbot.language.scene import Scene
from tests.support.made import START, at, deployment, incident, issue

DAY = 24 * 60
EVER = Match(kind="change", rank="suspect", within=timedelta(days=3650))
SHOP = frozenset({"shop"})


def change(number: int, minutes: float, **fields: object) -> Change:
    given = {
        "ident": str(number),
        "title": "routine work",
        "state": "closed",
        "updated_at": at(minutes),
        "started_at": at(minutes - 15),
        "finished_at": at(minutes),
        **fields,
    }
    return Change(ref=Ref("servicenow", "change", f"CHG{number:04d}"), **given)  # type: ignore[arg-type]


def broken(**fields: object) -> Incident:
    given = {
        "opened_at": at(0),
        "services": SHOP,
        "title": "Order export stops",
        "text": "The export queue is stuck since noon.",
        **fields,
    }
    return incident(1, **given)


def ranked(it: Record, *others: Record, match: Match = EVER, links: tuple[Link, ...] = ()) -> list[Ranked]:
    scene = Scene(at(1), {one.ref: one for one in (it, *others)}, links)
    return sorted(Suspects().rank(it, scene, match), key=lambda one: -one.score)


def test_a_change_that_the_ticket_blames_by_name_is_nearly_certain_however_old_it_is() -> None:
    named = change(31, -200 * DAY, title="Something else altogether", services=frozenset({"mail"}))
    near = [change(number, -30 * number, services=SHOP, title="Export queue tuned") for number in range(1, 8)]
    best = ranked(broken(text="The export queue is stuck. It was broken by CHG0031."), named, *near)[0]
    assert best.record.key == "CHG0031"
    assert best.score >= 0.8
    assert best.because[0] == "the ticket names CHG0031 as what broke it"


def test_without_a_name_the_right_service_time_and_words_come_first_and_are_not_certain() -> None:
    right = change(1, -22, services=SHOP, title="Move the export queue to new hosts")
    others = [
        change(2, -20, services=frozenset({"mail"}), title="Rotate certificates"),
        change(3, -90 * DAY, services=SHOP, title="Move the export queue to new hosts"),
        change(4, -300, services=SHOP, title="Rotate certificates"),
    ]
    best = ranked(broken(), right, *others)[0]
    assert best.record == right
    assert best.score < 0.8
    assert best.because == ("same service (shop)", "finished 22 minutes before", "both mention export and queue")


def test_what_a_suspect_and_the_ticket_both_mention_is_told_as_it_is_written() -> None:
    right = change(1, -22, services=SHOP, title="Retry after error code 1205 in OrderServices")
    (best,) = ranked(broken(title="Transactions end with error 1205", text="In CartServices"), right)
    assert "both mention error 1205 and Services" in best.because


def test_what_began_after_the_incident_is_no_suspect() -> None:
    assert ranked(broken(), change(1, 60, started_at=at(5), services=SHOP)) == []


def test_the_only_candidate_is_no_good_one_for_being_alone() -> None:
    (only,) = ranked(broken(), change(1, -100 * DAY, services=frozenset({"mail"}), title="Rotate certificates"))
    assert only.score < 0.1


def test_what_delivered_an_issue_that_the_ticket_names_is_suspected() -> None:
    item, out = issue(42, -3 * DAY, services=SHOP), deployment(7, -DAY, services=SHOP, finished_at=at(-DAY))
    links = (Link(out.ref, "delivers", item.ref),)
    found = ranked(
        broken(text="Broken by LOOP-42, it seems."), item, out, match=replace(EVER, kind="deployment"), links=links
    )
    assert found[0].because[0] == "it delivers LOOP-42, which the ticket names as what broke it"
    assert found[0].score >= 0.5


def test_changes_and_deployments_stand_in_one_ranking() -> None:
    both = replace(EVER, also=("deployment",))
    planned = change(1, -22, services=SHOP, title="Move the export queue to new hosts")
    out = deployment(7, -20, services=SHOP, finished_at=at(-20), title="export queue 4.2")
    other = change(2, -3 * DAY, services=frozenset({"mail"}))
    found = ranked(broken(), planned, out, other, match=both)
    assert {one.record.key for one in found[:2]} == {"CHG0001", "7"}
    alone = ranked(broken(), planned, other)[0]
    assert next(one for one in found if one.record == planned).score < alone.score
    named = ranked(broken(text="The export queue is stuck since CHG0002."), planned, out, other, match=both)[0]
    assert named.record == other


def test_a_deployment_is_known_by_its_commit() -> None:
    out = deployment(7, -DAY, commit="4f2a9bc0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6", finished_at=at(-DAY))
    found = ranked(broken(text="Regression introduced by 4f2a9bc0d1."), out, match=replace(EVER, kind="deployment"))
    assert found[0].because[0] == "it brought commit 4f2a9bc0d1, which the ticket names as what broke it"


ROW = "9d385017c611228701d22104cc95c371"


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (f"Since https://it.example.com/nav_to.do?uri=change_request.do%3Fsys_id%3D{ROW} it hangs", "the ticket names CHG0031"),
        (f"See https://it.example.com/change_request.do?sys_id={ROW}&x=1", "the ticket names CHG0031"),
        (f"https://it.example.com/now/sow/record/change_request/{ROW}", "the ticket names CHG0031"),
        ("https://it.example.com/nav_to.do?uri=change_request.do?sysparm_query=number=CHG0031", "the ticket names CHG0031"),
        ("It hangs since CHG 0031 went in.", "the ticket names CHG0031"),
        ("Caused by chg #0031", "the ticket names CHG0031 as what broke it"),
        ("Caused by CHG-0031", "the ticket names CHG0031 as what broke it"),
        ("It broke with https://github.com/acme/shop/pull/123/files", "it brought pull request acme/shop#123, which the ticket names"),
        ("Caused by https://git.example.com/a/b/shop/-/merge_requests/77.", "it brought merge request a/b/shop!77, which the ticket names as what broke it"),
        ("The export hangs since v2.7.1", "it brought version 2.7.1, which the ticket names"),
        ("Upgraded from 2.6.0 to 2.7.1, and the export hangs", "it brought version 2.7.1, which the ticket names"),
    ],
)  # fmt: skip
def test_what_is_named_in_another_way_than_by_its_key_is_found_however_old_it_is(said: str, because: str) -> None:
    brought = {"pulls": "acme/shop#123 a/b/shop!77", "ref": "v2.7.1"}
    old = change(31, -300 * DAY, ident=ROW, extra=brought, services=SHOP, title="Something else altogether")
    before = change(30, -301 * DAY, extra={"ref": "v2.6.0"}, services=SHOP, title="Something else altogether")
    near = [change(200 + number, -30 * number, services=SHOP, title="Export queue tuned") for number in range(1, 130)]
    best = ranked(broken(text=said), old, before, *near)[0]
    assert (best.record.key, best.because[0]) == ("CHG0031", because)


@pytest.mark.parametrize("said", ["We run 2.7.1.", "It worked until 2.7.1", "Upgraded from 2.7.1 to 2.8.0"])
def test_a_version_that_is_only_told_or_was_well_is_no_accusation(said: str) -> None:
    out = change(31, -5 * DAY, extra={"ref": "v2.7.1"}, services=SHOP)
    (found,) = ranked(broken(text=said), out)
    assert "it brought" not in found.because[0]


def test_a_version_may_stand_in_the_title_of_the_change_that_brought_it_out() -> None:
    out = change(31, -DAY, services=SHOP, title="Deploy shop 2.7.1 to production")
    mended = change(32, -DAY, services=SHOP, title="Mend the paging of 2.7.1")
    best, other = ranked(broken(text="The export hangs since 2.7.1"), out, mended)
    assert (best.record, best.because[0]) == (out, "it brought version 2.7.1, which the ticket names")
    assert "it brought" not in other.because[0]


def test_a_version_of_another_service_is_another_version() -> None:
    ours, theirs = (
        change(number, -5 * DAY, extra={"ref": "v2.7.1"}, services=frozenset({name}))
        for number, name in ((1, "shop"), (2, "mail"))
    )
    best, other = ranked(broken(text="The export hangs since 2.7.1"), ours, theirs)
    assert best.record == ours
    assert "it brought" not in other.because[0]


def test_a_change_that_a_field_of_the_ticket_names_is_found_and_first_and_the_reason_says_so() -> None:
    old = change(31, -300 * DAY, title="Something else altogether", services=frozenset({"mail"}))
    near = [change(200 + number, -30 * number, services=SHOP, title="Export queue tuned") for number in range(1, 130)]
    it = broken(text="Broken by CHG0201, says Kim.", extra={"rfc": "CHG0031"})
    assert "its field rfc names it" in [one.because[0] for one in ranked(it, old, *near) if one.record == old]
    stated = Link(it.ref, "caused_by", old.ref, 1.0, "the field caused_by says so", "system:servicenow")
    best = ranked(it, old, *near, links=(stated,))[0]
    assert (best.record, best.because[0]) == (old, "its field caused_by names it")
    assert best.score >= 0.99
    said = replace(stated, because="Ada said so", by="person:ada")
    assert ranked(it, old, *near, links=(said,))[0].because[0] == "it is linked as the cause (Ada said so)"


def test_what_is_stated_as_the_cause_is_told_though_it_is_said_to_have_begun_later() -> None:
    late = change(31, 60, started_at=at(5), services=SHOP)
    stated = Link(broken().ref, "caused_by", late.ref, 1.0, "", "person:ada")
    assert [one.record for one in ranked(broken(), late, links=(stated,))] == [late]
    assert ranked(broken(), late) == []


def test_learning_is_blind_to_what_the_ticket_states_of_its_own_cause() -> None:
    old, new = change(31, -5 * DAY, services=SHOP), change(32, -DAY, services=SHOP)
    plain = broken()
    stated = replace(plain, extra={"rfc": "CHG0031"})
    links = (Link(plain.ref, "caused_by", old.ref, 1.0, "Ada said so", "person:ada"),)
    answers = [Answered(one, frozenset({old.ref}), frozenset()) for one in (plain, stated)]
    scenes = [
        Scene(at(1), {one.ref: one for one in (it, old, new)}, said) for it, said in ((plain, ()), (stated, links))
    ]
    without, knowing = (samples_of(answer, scene, EVER) for answer, scene in zip(answers, scenes, strict=True))
    assert without == knowing
    assert gathered(plain, scenes[0], EVER) != gathered(stated, scenes[1], EVER)


def test_a_change_that_is_to_mend_the_incident_is_not_taken_for_its_cause() -> None:
    fix = change(31, 90, started_at=at(30), services=SHOP)
    assert ranked(broken(extra={"rfc": "CHG0031"}), fix) == []


def test_what_loopbot_linked_itself_proves_nothing() -> None:
    old, new = change(31, -5 * DAY, services=SHOP), change(32, -DAY, services=SHOP)
    echo = Link(broken().ref, "caused_by", old.ref, 0.9, "probably", "rule:link-incident-to-change")
    assert ranked(broken(), old, new, links=(echo,)) == ranked(broken(), old, new)


def test_the_cause_of_its_problem_and_of_its_copy_is_a_cause_of_the_incident() -> None:
    old, other = change(31, -5 * DAY, services=SHOP), change(32, -20, services=SHOP, title="Export queue tuned")
    problem, it = Ref("servicenow", "problem", "PRB1"), broken()
    links = (
        Link(problem, "problem_of", it.ref, 1.0, "", "system:servicenow"),
        Link(problem, "caused_by", old.ref, 1.0, "", "person:ada"),
    )
    best = ranked(it, old, other, links=links)[0]
    assert best.because[0] == "PRB1, which belongs to it, is linked to it as the cause"
    assert best.record == old


def test_what_caused_tickets_that_read_alike_is_suspected_for_it() -> None:
    guilty = change(31, -200 * DAY, title="Something else altogether", services=SHOP)
    near = [change(200 + number, -30 * number, services=SHOP) for number in range(1, 130)]
    earlier = [
        replace(broken(), ref=Ref("servicenow", "incident", f"INC9{number}"), opened_at=at(-number * DAY))
        for number in range(1, 5)
    ]
    strange = replace(
        broken(title="Mail is late", text="No mail since noon."), ref=Ref("servicenow", "incident", "INC80")
    )

    def by(*tickets: Incident, who: str = "person:ada") -> tuple[Link, ...]:
        return tuple(Link(one.ref, "caused_by", guilty.ref, 1.0, "", who) for one in tickets)

    others = (guilty, strange, *earlier, *near)
    found = [
        next((one for one in ranked(broken(), *others, links=links) if one.record == guilty), None)
        for links in ((), by(strange), by(*earlier, who="rule:guess"), by(earlier[0]), by(*earlier))
    ]
    assert found[:3] == [None, None, None], "nothing leads to it"
    one, four = found[3:]
    assert one is not None
    assert four is not None
    assert "INC91 reads alike and was caused by it" in one.because
    assert "INC91, INC92, INC93 and 1 more read alike and were caused by it" in four.because
    assert four.score > one.score
    assert ranked(broken(), *others, links=by(*earlier))[0] == four
    assert 0.5 <= four.score < 0.8, "asked about, and never linked for that alone"
    split = tuple(replace(each, target=near[0].ref) for each in by(*earlier[:2]))
    both = {each.record.key: each.score for each in ranked(broken(), *others, links=(*split, *by(*earlier[2:])))}
    assert both["CHG0031"] < four.score, "other causes are as good"


def test_a_change_of_a_group_whose_changes_often_failed_is_suspected_more() -> None:
    def history(group: str, outcomes: str) -> list[Change]:
        return [
            change(
                100 * len(group) + place, -90 * DAY - place * 60, services=SHOP, group=group,
                outcome="failed" if one == "f" else "successful",
            )
            for place, one in enumerate(outcomes)
        ]  # fmt: skip

    calm, wild = (change(number, -60, services=SHOP, group=group) for number, group in ((1, "calm"), (2, "storms")))
    found = ranked(broken(), calm, wild, *history("calm", "ssssssss"), *history("storms", "fsfsfsss"))
    assert [one.record for one in found[:2]] == [wild, calm]
    assert found[0].score > found[1].score
    assert "3 of the last 8 before it by storms failed" in found[0].because
    assert not [one for one in found[1].because if "failed" in one]


def test_files_of_a_stack_trace_speak_for_the_change_that_touched_them() -> None:
    trace = "NullPointerException\n\tat com.shop.export.PageWriter.flush(PageWriter.java:123)\n"
    touched = change(1, -9 * DAY, services=SHOP, text="src/main/java/com/shop/export/PageWriter.java\nREADME.md")
    others = [
        change(number, -DAY * number, services=SHOP, text="src/main/java/com/shop/Mail.java") for number in range(2, 9)
    ]
    best = ranked(broken(text=trace), touched, *others)[0]
    assert best.record == touched
    assert "it touches PageWriter.java, which the ticket names" in best.because


def test_a_change_of_what_the_service_depends_on_is_suspected_more() -> None:
    base, mail = (change(n, -60, services=frozenset({name})) for n, name in ((1, "database"), (2, "mail")))
    scene = Scene(at(1), {one.ref: one for one in (broken(), base, mail)}, needs={"shop": ("database",)})
    found = sorted(Suspects().rank(broken(), scene, EVER), key=lambda one: -one.score)
    assert [one.record for one in found] == [base, mail]
    assert "a service it depends on (database)" in found[0].because


def test_what_the_service_depends_on_finds_candidates_that_nothing_else_finds() -> None:
    base = change(1, -40 * DAY, services=frozenset({"database"}), title="Rotate certificates")
    crowd = [change(number, -30 * number, services=frozenset({"mail"})) for number in range(2, 200)]
    records = {one.ref: one for one in (broken(), base, *crowd)}
    without, knowing = (Scene(at(1), records, needs=needs) for needs in ({}, {"shop": ("database",)}))
    assert base not in [one.record for one in gathered(broken(), without, EVER).candidates]
    assert base in [one.record for one in gathered(broken(), knowing, EVER).candidates]


def test_of_what_the_service_depends_on_the_words_of_the_ticket_find_more_than_the_latest() -> None:
    told = {"services": frozenset({"database"})}
    base = change(1, -100 * DAY, title="Export queue", text="other " * 400, **told)
    loud = [change(1000 + n, -150 * DAY - n, title="Export queue stuck since noon") for n in range(250)]
    late = [change(n, -30 * n, title="Rotate certificates", **told) for n in range(2, 60)]
    records = {one.ref: one for one in (broken(), base, *loud, *late)}
    without, knowing = (Scene(at(1), records, needs=needs) for needs in ({}, {"shop": ("database",)}))
    assert base not in [one.record for one in gathered(broken(), without, EVER).candidates]
    assert base in [one.record for one in gathered(broken(), knowing, EVER).candidates]


def test_a_change_that_failed_is_suspected_more() -> None:
    fine, failed = change(1, -60, services=SHOP), change(2, -60, services=SHOP, outcome="failed")
    found = ranked(broken(), fine, failed)
    assert [one.record.key for one in found] == ["CHG0002", "CHG0001"]
    assert "it failed or was rolled back" in found[0].because


def test_what_came_after_the_release_that_the_ticket_is_about_is_suspected_less() -> None:
    release = Release(
        ref=Ref("jira", "release", "shop/2.4"),
        ident="1",
        title="2.4",
        state="released",
        updated_at=at(0),
        released_at=at(-5 * DAY),
    )
    before, after = change(1, -6 * DAY, services=SHOP), change(2, -4 * DAY, services=SHOP)
    told = broken(extra={"versions": "2.4"})
    vectors = dict(
        zip(("CHG0001", "CHG0002"), (pool_vector(told, release, before, after, place) for place in (0, 1)), strict=True)
    )
    assert {key: vector[FEATURES.index("after_release")] for key, vector in vectors.items()} == {
        "CHG0001": 0.0,
        "CHG0002": 1.0,
    }


def test_a_release_is_known_by_its_tag_as_well() -> None:
    key = Ref("github", "release", "acme/shop@v2.4")
    given = {"ident": "1", "title": "Spring", "state": "released", "updated_at": at(0), "released_at": at(-5 * DAY)}
    ours = Release(ref=key, extra={"tag": "v2.4"}, services=SHOP, **given)  # type: ignore[arg-type]
    theirs = replace(ours, services=frozenset({"mail"}))
    told, after = broken(extra={"versions": "2.4"}), change(2, -4 * DAY, services=SHOP)
    found = [
        pool_vector(told, one, change(1, -6 * DAY), after, 1)[FEATURES.index("after_release")] for one in (ours, theirs)
    ]
    assert found == [1.0, 0.0]


def pool_vector(it: Incident, release: Release, before: Change, after: Change, place: int) -> tuple[float, ...]:
    scene = Scene(at(1), {one.ref: one for one in (it, release, before, after)})
    pool = gathered(it, scene, EVER)
    keys = [one.record.key for one in pool.candidates]
    return pool.vectors[keys.index((before, after)[place].key)]


@pytest.mark.parametrize(
    ("said", "name", "blamed", "hinted", "cleared"),
    [
        ("This was broken by HDFS-5153.", "hdfs-5153", True, False, False),
        ("CHG0031 introduced this.", "chg0031", True, False, False),
        ("The test was removed by LOOP-8, please restore it", "loop-8", True, False, False),
        ("LOOP-8 accidentally changes the default", "loop-8", True, False, False),
        ("It was supposed to be fixed by LOOP-8", "loop-8", False, False, True),
        ("It fails since CHG0031", "chg0031", False, True, False),
        ("Looks similar to LOOP-7", "loop-7", False, False, True),
        ("See https://jira.example.com/browse/LOOP-9", "loop-9", False, False, True),
        ("LOOP-8 in trunk appears to have broken the build", "loop-8", True, False, False),
        ("The LOOP-8 patch for the pager forgot the index", "loop-8", True, False, False),
        ("LOOP-8 (bigger pages) combined two calls into one", "loop-8", False, True, False),
        ("It is a regression from https://jira.example.com/browse/LOOP-9?comment=7", "loop-9", True, False, False),
        ("It causes a build failure as set by LOOP-8", "loop-8", False, False, False),
        ("LOOP-8 is broken after CHG0031", "loop-8", False, False, True),
        ("LOOP-8 is broken after CHG0031", "chg0031", True, True, False),
        ("Even after LOOP-8 the export stops", "loop-8", False, False, True),
        ("It was there until LOOP-8 fixed it", "loop-8", False, False, True),
        ("LOOP-8 did not cause us trouble here", "loop-8", False, False, True),
        ("The way it worked before CHG0031 was better", "chg0031", False, True, False),
        ("Der Export wurde durch CHG0031 gestört, verursacht durch CHG0031", "chg0031", True, False, False),
        ("Les exports sont lents depuis CHG0031", "chg0031", False, True, False),
        ("El error fue causado por CHG0031", "chg0031", True, False, False),
    ],
)
def test_the_words_beside_a_name_say_whether_it_is_blamed(
    said: str, name: str, blamed: bool, hinted: bool, cleared: bool
) -> None:
    found = mentions("", said)[name]
    assert (found.blamed, found.hinted, found.cleared) == (blamed, hinted, cleared)


def test_a_version_is_no_name() -> None:
    assert mentions("Fails on release-2 and LOOP-2.7", "utf-8 since hadoop-3.0.0, and loop-4411") == {
        "loop-4411": mentions("", "loop-4411")["loop-4411"]
    }


def test_names_can_be_taken_out_of_a_text() -> None:
    assert without_names("Broken by CHG0031 (https://x.example/browse/LOOP-4), commit 4f2a9bc0.").split() == [
        "Broken",
        "by",
        "(",
        "commit",
        ".",
    ]
    assert without_names("It hangs since v2.7.1, we run 2.8").split() == [
        "It",
        "hangs",
        "since",
        ",",
        "we",
        "run",
        "2.8",
    ]
    assert versions("after the upgrade to v5.2.1 from 5.1") == {"5.2.1", "5.1"}


def test_the_shipped_model_is_of_these_features_and_survives_being_written() -> None:
    model = shipped_model()
    assert loaded(model.dumped()) == model
    with pytest.raises(ValueError, match="other features"):
        loaded(model.dumped().replace('"words"', '"letters"'))


def test_answers_move_the_model_towards_what_is_true_here() -> None:
    """In this company it is always the change on the database, whatever service the ticket names."""
    base = frozenset({"database"})
    samples = []
    for number in range(60):
        it = replace(broken(), opened_at=START + timedelta(days=number), updated_at=START + timedelta(days=number))
        guilty = change(100 + number, DAY * number - 60, services=base, title="Database work", outcome="failed")
        others = [
            change(200 + number, DAY * number - 40, services=SHOP, title="Export settings"),
            change(300 + number, DAY * number - 50, services=SHOP),
        ]
        scene = Scene(at(0), {one.ref: one for one in (it, guilty, *others)})
        pool = gathered(it, scene, EVER)
        samples.append(sample_of(pool, [one.record.ref == guilty.ref for one in pool.candidates]))
    shipped = shipped_model()
    learnt = fit(samples[:40], samples[:40], shipped)
    before, after = (_right(samples[40:], model) for model in (shipped, learnt))
    assert learnt.version != shipped.version
    assert after > before
    assert after == len(samples[40:])


def _right(samples: list, model: object) -> int:  # type: ignore[type-arg]
    found = 0
    for one in samples:
        said = probabilities_of(one, model)  # type: ignore[arg-type]
        found += one.truths[said.index(max(said))]
    return found
