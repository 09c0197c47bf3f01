from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.jira.opening import marker
from loopbot.domain.effects import Effect
from loopbot.domain.errors import Rejected, Transient, Trouble, Unauthorized, Uncertain
from loopbot.domain.receipts import Overruled, Receipt
from loopbot.domain.records import Incident, Ref
from loopbot.ports import Cursor
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.jira import adf
from tests.connectors.jira.conftest import Make
from tests.connectors.jira.effects import INCIDENT, comment, delivery, issue, link, opening, setting, transition
from tests.support.jira_site import Site, Stage
from tests.support.jira_spec import JiraSpec

FOREIGN = "h1. Hello [~admin] {code}x{code} *bold* @everyone\n\n<!channel> [a|https://evil.example]"


def apply(make: Make, site: Site, *effects: Effect, **settings: Any) -> list[Receipt | Trouble]:
    sink = make(site, **settings).sink()
    assert sink is not None
    return list(sink.apply([delivery(one) for one in effects]))


def receipt(answer: Receipt | Trouble) -> Receipt:
    assert isinstance(answer, Receipt), answer
    return answer


def before_write(stage: Stage, what: Callable[[], object]) -> None:
    """Do something once, when the first write is at the door: after the issue was read, before it is changed."""
    inner, done = stage.app, list[str]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and scope["method"] in {"POST", "PUT"} and "/issue/" in path and not done:
            done.append(path)
            what()
        await inner(scope, receive, send)

    stage.app = app


def written(site: Site, action: str) -> list[Any]:
    return site.ledger.entries("jira", action)


# ---------------------------------------------------------------------------------------------- open


def test_an_issue_is_opened_with_its_marker_in_one_call(site: Site, make: Make) -> None:
    effect = opening("The\nexport  hangs", FOREIGN, priority=2, labels=("from users", "from users"), type="Bug")

    found = receipt(apply(make, site, effect)[0])

    assert site.ledger.calls("jira") == 1
    (entry,) = written(site, "create")
    kept = site.twin.issue(found.ref.key)
    assert (found.ref, found.ident) == (issue(entry.key), str(kept.id))
    assert kept.summary == "The export hangs"
    assert kept.labels == ("from-users", marker(effect.key))
    assert kept.properties["loopbot"] == {"effect": effect.key}
    assert entry.payload["fields"]["priority"] == {"name": "High"}
    assert found.url.endswith(f"/browse/{entry.key}")


def test_foreign_text_stays_text_on_cloud(cloud: Site, make: Make) -> None:
    apply(make, cloud, opening(text=FOREIGN), comment("LOOP-1", FOREIGN))

    bodies = [
        written(cloud, "create")[0].payload["fields"]["description"],
        written(cloud, "comment")[0].payload["body"],
    ]
    for body in bodies:
        assert "marks" not in str(body)
        assert "mention" not in str(body)
        assert adf.plain(body) == FOREIGN.replace("\n\n", "\n")


def test_titles_and_texts_are_cut_where_jira_would_refuse_them(site: Site, make: Make) -> None:
    found = apply(make, site, opening("x" * 300, "[y] " * 20_000), comment("LOOP-1", "[z] " * 20_000))

    assert [type(one) for one in found] == [Receipt, Receipt]
    kept = site.twin.issue("LOOP-1")
    assert len(kept.summary) == 255
    assert kept.summary.endswith("…")
    assert "cut: the text was longer" in adf.plain(kept.description)
    assert len(adf.plain(kept.description)) <= 32_767


def test_fifty_issues_are_one_call_and_two_bad_ones_do_not_take_the_others_down(site: Site, make: Make) -> None:
    effects = [opening(f"issue {number}", type="Nonsense" if number in {7, 30} else None) for number in range(50)]

    found = apply(make, site, *effects)

    assert site.ledger.calls("jira") == 1
    assert len(written(site, "create")) == 48
    for number, (effect, answer) in enumerate(zip(effects, found, strict=True)):
        if number in {7, 30}:
            assert isinstance(answer, Rejected)
            assert "valid issue type" in answer.why
        else:
            one = receipt(answer)
            assert one.key == effect.key
            assert marker(effect.key) in site.twin.issue(one.ref.key).labels


def test_a_hundred_and_twenty_issues_are_three_calls(site: Site, make: Make) -> None:
    found = apply(make, site, *(opening(f"issue {number}") for number in range(120)))

    assert site.ledger.calls("jira") == 3
    assert len({receipt(one).ref for one in found}) == 120


def test_a_bulk_whose_issues_are_all_refused_says_why_for_each(site: Site, make: Make) -> None:
    found = apply(make, site, opening("a", type="Nonsense"), opening("b", type="Nonsense"))

    assert [type(one) for one in found] == [Rejected, Rejected]
    assert all("valid issue type" in str(one) for one in found)


def test_fewer_answers_than_were_sent_are_uncertain_and_nothing_is_sent_again(site: Site, make: Make) -> None:
    body = b'{"issues": [{"id": "1", "key": "LOOP-1"}], "errors": [{"failedElementNumber": 2, "elementErrors": {"errorMessages": ["no"]}}]}'
    site.twin.faults.add(Fault("body", "/issue/bulk", status=201, body=body))

    found = apply(make, site, *(opening(f"issue {number}") for number in range(4)))

    assert [type(one) for one in found] == [Uncertain, Uncertain, Rejected, Uncertain]
    assert site.ledger.calls("jira") == 1


@pytest.mark.parametrize("count", [1, 3])
def test_a_create_whose_answer_is_lost_is_never_sent_again(site: Site, make: Make, count: int) -> None:
    for kind in ("lose_answer", "truncate"):
        site.twin.faults.add(Fault(kind, "POST /rest/api/./issue"))  # type: ignore[arg-type]
        found = apply(make, site, *(opening(f"issue {number}") for number in range(count)))
        assert {type(one) for one in found} == {Uncertain}

    assert len(written(site, "create")) == 2 * count


@pytest.mark.parametrize(
    ("after", "seconds"),
    [("3", 3), ("Wed, 21 Oct 2099 07:28:00 GMT", 3600), ("-7", 1), ("999999999999", 3600), ("soon", None)],
)
def test_every_form_of_retry_after_is_understood(site: Site, make: Make, after: str, seconds: float | None) -> None:
    site.twin.faults.add(
        Fault(
            "status",
            "POST /rest/api/./issue",
            status=429,
            headers={"Retry-After": after},
            body=b"<html>slow down</html>",
        )
    )

    (found,) = apply(make, site, opening())

    assert isinstance(found, Transient)
    assert found.after == seconds
    assert written(site, "create") == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("refuse", "POST"), Uncertain),
        (Fault("status", "POST", status=503), Uncertain),
        (Fault("html", "POST"), Uncertain),
        (Fault("body", "POST", status=201, body=b'{"key": '), Uncertain),
        (Fault("body", "POST", status=201, body=b"[]"), Uncertain),
        (Fault("status", "POST", status=401), Uncertain),
        (
            Fault("status", "POST", status=400, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, body=b"{}"),
            Unauthorized,
        ),
        (Fault("status", "POST", status=400, body=b"null"), Rejected),
        (Fault("status", "POST", status=403, body=b'"no"'), Rejected),
    ],
)
def test_a_failed_create_is_named_by_what_to_do_next(site: Site, make: Make, fault: Fault, kind: type[Trouble]) -> None:
    site.twin.faults.add(fault)

    assert isinstance(apply(make, site, opening())[0], kind)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"place": "SEC"}, "'SEC' is not one of its projects"),
        ({"kind": "problem"}, "not a problem"),
        ({"fields": (("Sumary", "x"),)}, "no field 'Sumary'"),
        ({"type": "Epos"}, "valid issue type"),
    ],
)
def test_what_jira_could_not_take_is_refused(site: Site, make: Make, more: dict[str, Any], why: str) -> None:
    found = apply(make, site, opening(**more), opening("good"))

    assert isinstance(found[0], Rejected)
    assert why in str(found[0])
    assert len(written(site, "create")) == 1


def test_fields_are_set_by_name_or_id_in_their_own_shape(site: Site, make: Make) -> None:
    number, text, plain = (
        site.twin.add_field(name, kind)
        for name, kind in (("Customers", "number"), ("Steps", "text"), ("Team", "string"))
    )
    effect = opening(
        fields=(
            ("customers", "3"),
            (text, "one\n\ntwo"),
            ("Team", "Export"),
            ("Due date", "2026-04-01"),
            ("labels", "a,b c"),
        )
    )

    found = receipt(apply(make, site, effect)[0])

    kept = site.twin.issue(found.ref.key)
    assert (kept.custom[number], kept.custom[plain], kept.duedate) == (3, "Export", "2026-04-01")
    assert adf.plain(kept.custom[text]) == ("one\n\ntwo" if site.twin.flavour == "datacenter" else "one\ntwo")
    assert kept.labels == ("a", "b-c", marker(effect.key))


# ---------------------------------------------------------------------------------------------- comment


def test_audiences_are_kept_apart(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")
    effects = [comment("LOOP-1", "for us"), comment("LOOP-1", "for you", "public")]

    apply(make, site, *effects)

    ours, theirs = written(site, "comment")
    assert (ours.payload["text"], ours.payload["internal"]) == ("for us", True)
    assert (theirs.payload["text"], theirs.payload["internal"]) == ("for you", False)
    assert ours.payload["properties"]["loopbot"] == {"effect": effects[0].key}


def test_internal_comments_are_restricted_to_the_role_where_one_is_named(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")

    apply(make, site, comment("LOOP-1", "for us"), comment("LOOP-1", "for you", "public"), internal_role="Developers")

    assert [one.payload["visibility"] for one in written(site, "comment")] == [
        {"type": "role", "value": "Developers"},
        None,
    ]


@pytest.mark.parametrize("key", ["LOOP-99", "../../admin", "LOOP-1/comment", "loop-1", "LOOP-0"])
def test_a_target_that_is_no_issue_is_refused(site: Site, make: Make, key: str) -> None:
    site.twin.create_issue("LOOP", "one")

    found = apply(make, site, comment(key, "x"), transition(key, "done"), setting(key, ("summary", "x")))

    assert [type(one) for one in found] == [Rejected] * 3
    assert site.ledger.entries("jira") == []


# ---------------------------------------------------------------------------------------------- transition, set


def test_a_transition_is_chosen_by_the_state_it_leads_to(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")

    for state, status in (("in_review", "In Review"), ("wont_do", "Won't Do"), ("todo", "To Do"), ("done", "Done")):
        receipt(apply(make, site, transition("LOOP-1", state))[0])
        assert site.twin.issue("LOOP-1").status == status


def test_nothing_is_sent_where_the_issue_is_there_already(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")

    receipt(apply(make, site, transition("LOOP-1", "todo"))[0])
    receipt(apply(make, site, setting("LOOP-1", ("summary", "one"), ("Priority", "Medium"), ("labels", "")))[0])

    assert site.ledger.entries("jira") == []


def test_a_missing_transition_is_refused_with_the_possible_ones(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")
    site.twin.remove_transition("LOOP", "Done")

    (found,) = apply(make, site, transition("LOOP-1", "done"))

    assert isinstance(found, Rejected)
    assert "In Review (to In Review, in_review)" in found.why


def test_only_fields_that_differ_are_written(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one", labels=["a"], description="text")

    apply(make, site, setting("LOOP-1", ("Summary", "two"), ("labels", "a"), ("description", "text")))

    assert [one.payload["fields"] for one in written(site, "update")] == [{"summary": "two"}]


# ---------------------------------------------------------------------------------------------- link


def test_two_issues_are_linked_in_the_direction_the_words_say(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")
    site.twin.create_issue("LOOP", "two")
    connector = make(site)

    receipt(connector._sink.apply([delivery(link(issue("LOOP-2"), "duplicates", issue("LOOP-1")))])[0])  # type: ignore[arg-type]

    records = {one.key: one for page in connector.sources()[0].read(Cursor()) for one in page.records}
    for key in ("LOOP-1", "LOOP-2"):
        (found,) = records[key].links
        assert (found.source.key, found.relation, found.target.key) == ("LOOP-2", "duplicates", "LOOP-1")


def test_a_link_to_elsewhere_is_one_remote_link_however_often_it_is_sent(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")

    for _ in range(3):
        receipt(
            apply(
                make,
                site,
                link(issue("LOOP-1"), "fixes", INCIDENT, "The export hangs", "https://sn.example/INC0012345"),
            )[0]
        )

    (kept,) = site.twin.issue("LOOP-1").remote_links
    assert kept.global_id == f"loopbot:fixes:{INCIDENT}"
    assert (kept.thing["title"], kept.relationship) == ("INC0012345: The export hangs", "fixes")


def test_the_mirrored_record_gives_the_address_of_the_other_end(site: Site, make: Make) -> None:
    from dataclasses import replace
    from datetime import UTC, datetime

    site.twin.create_issue("LOOP", "one")
    stamp = datetime(2026, 3, 1, tzinfo=UTC)
    record = Incident(ref=INCIDENT, ident="x", title="Hangs", state="new", updated_at=stamp, url="https://sn.example/1")
    sink = make(site).sink()
    assert sink is not None

    receipt(sink.apply([replace(delivery(link(INCIDENT, "caused_by", issue("LOOP-1"))), records=(record,))])[0])

    (kept,) = site.twin.issue("LOOP-1").remote_links
    assert kept.thing == {"url": "https://sn.example/1", "title": "INC0012345: Hangs"}
    assert kept.relationship == "causes"


def test_links_that_can_not_be_made_say_what_to_do(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")
    elsewhere = Ref("slack", "feedback", "1")

    found = apply(
        make,
        site,
        link(issue("LOOP-1"), "caused_by", issue("LOOP-2")),
        link(issue("LOOP-1"), "fixes", INCIDENT),
        link(issue("LOOP-1"), "fixes", INCIDENT, url="javascript:alert(1)"),
        link(INCIDENT, "fixes", elsewhere, url="https://x.example"),
    )

    assert [type(one) for one in found] == [Rejected] * 4
    assert "set link_types.caused_by" in str(found[0])
    assert site.ledger.entries("jira") == []


# ---------------------------------------------------------------------------------------------- the vendor's document


def test_everything_that_can_be_sent_to_cloud_is_what_its_document_describes(
    shared: Path, spec: JiraSpec, cloud: Site, make: Make, sent: list[tuple[str, str, Any]]
) -> None:
    """Each test here holds what it sent against the document; this one says so where the document is absent."""
    cloud.twin.create_issue("LOOP", "one")
    connector = make(cloud)
    everything = [
        opening(text=FOREIGN),
        comment("LOOP-1", FOREIGN),
        transition("LOOP-1", "done"),
        setting("LOOP-1", ("summary", "x")),
    ]
    everything += [link(issue("LOOP-1"), "fixes", INCIDENT, "T", "https://sn.example/1"), opening(), opening()]
    sink = connector.sink()
    assert sink is not None
    deliveries = [delivery(one) for one in everything]
    sink.apply(deliveries)
    for one in deliveries:
        sink.find(one)
    for source in connector.sources():
        list(source.read(Cursor()))
        source.count()
    list(connector.check())

    for method, url, body in sent:
        spec.check_request(method, url, body)
    assert len({(method, url.partition("?")[0]) for method, url, _ in sent}) > 15


def test_a_bulk_refused_as_a_whole_is_settled_one_by_one(site: Site, make: Make) -> None:
    site.twin.faults.add(Fault("status", "/issue/bulk", status=400, body=b'{"errorMessages": ["INVALID_INPUT"]}'))

    found = apply(make, site, opening("a"), opening("b", type="Nonsense"), opening("c"))

    assert [type(one) for one in found] == [Receipt, Rejected, Receipt]
    assert len(written(site, "create")) == 2


def test_what_json_or_jira_can_not_hold_is_taken_out(site: Site, make: Make) -> None:
    bad = "a\ud800b\x00c\u202ed"

    found = apply(
        make,
        site,
        opening(bad, bad, labels=(bad,), fields=(("Due date", "2026-04-01"),)),
        comment("LOOP-1", bad),
        setting("LOOP-1", ("summary", bad)),
        link(issue("LOOP-1"), "fixes", INCIDENT, bad, "https://sn.example/1"),
    )

    assert [type(one) for one in found] == [Receipt] * 4
    kept = site.twin.issue("LOOP-1")
    assert (kept.summary, kept.labels[0]) == ("a\ufffdbcd", "a\ufffdbcd")


def test_what_was_set_on_cloud_comes_back_as_the_record_it_became(cloud: Site, make: Make) -> None:
    cloud.twin.create_issue("LOOP", "one")

    after = receipt(apply(make, cloud, setting("LOOP-1", ("summary", "two")))[0]).after

    assert after is not None
    assert (after.title, after.updated_at) == ("two", cloud.twin.issue("LOOP-1").updated)


def test_what_a_person_wrote_between_our_reading_and_our_writing_is_named(
    site: Site, make: Make, jira_stage: Stage
) -> None:
    site.twin.create_issue("LOOP", "one")
    field = site.twin.add_field("Team", "string")
    before_write(jira_stage, lambda: site.twin.edit("LOOP-1", {"summary": "theirs", field: "Shop"}))
    answer = receipt(apply(make, site, setting("LOOP-1", ("summary", "ours"), ("Team", "Export")))[0])
    assert answer.overruled == (Overruled("Summary", "ours", "theirs"), Overruled("Team", "Export", "Shop"))
    assert answer.after is not None
    assert answer.after.title == "ours"


def test_what_a_person_writes_after_us_is_not_lost_and_so_no_conflict(
    site: Site, make: Make, jira_stage: Stage
) -> None:
    site.twin.create_issue("LOOP", "one")
    connector, inner = make(site), jira_stage.app

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)
        if scope["type"] == "http" and scope["method"] in {"POST", "PUT"} and "transitions" in scope["path"]:
            site.twin.transition("LOOP-1", "In Review")

    jira_stage.app = app
    sink = connector.sink()
    assert sink is not None
    answer = receipt(sink.apply([delivery(transition("LOOP-1", "done"))])[0])
    assert answer.overruled == ()
    assert site.twin.issue("LOOP-1").status == "In Review"


def test_where_the_issue_can_not_be_read_after_a_write_that_is_said_and_the_write_is_done(
    site: Site, make: Make, jira_stage: Stage
) -> None:
    site.twin.create_issue("LOOP", "one")
    broken = Fault("status", "GET /rest/api/./issue/LOOP-1", times=9, status=500)
    before_write(jira_stage, lambda: site.twin.faults.add(broken))
    answer = receipt(apply(make, site, transition("LOOP-1", "done"))[0])
    assert "whether somebody wrote in the same moment is not known" in answer.note
    assert len(written(site, "transition")) == 1


@pytest.mark.parametrize("after", ["5", "Wed, 21 Oct 2099 07:28:00 GMT", "-1", ""])
@pytest.mark.parametrize("status", [429, 503])
def test_what_is_asked_through_the_library_is_asked_once(site: Site, make: Make, after: str, status: int) -> None:
    """On its own the library sleeps and asks again, and stumbles over a date."""
    site.twin.create_issue("LOOP", "one")
    headers = {"Retry-After": after} if after else {}
    site.twin.faults.add(
        Fault("status", "GET /rest/api/./field", times=9, status=status, headers=headers, body=b"null")
    )

    (found,) = apply(make, site, setting("LOOP-1", ("summary", "two")))

    assert isinstance(found, Transient)
    assert site.ledger.calls("jira") == 1
    assert site.ledger.entries("jira") == []


def test_an_answer_the_library_can_not_read_is_no_crash(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")
    for body, status in ((b"[1", 200), (b"null", 200), (b"null", 404), (b"[]", 400), (b'"x"', 400)):
        site.twin.faults.add(Fault("body", "GET /rest/api/./field", status=status, body=body))
        (found,) = apply(make, site, setting("LOOP-1", ("summary", "two")))
        assert isinstance(found, Transient | Rejected)
    assert site.ledger.entries("jira") == []
