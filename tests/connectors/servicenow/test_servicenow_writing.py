"""Writing to the twin: what is sent, what is respected, how each of many is settled. Judged by the ledger."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loopbot.domain.effects import Cause, Comment, LinkTickets, OpenTicket, SetFields
from loopbot.domain.errors import Rejected, Transient, Unauthorized, Uncertain
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Incident, Person, Problem, Ref
from loopbot.sandbox.faults import Fault
from tests.connectors.contract import QuickClock

ADA = Person("jira", "557058:ada", "Ada", "ada@example.com")
BATCH = "POST /api/now/v1/batch"


@pytest.fixture
def sink(connected: Any) -> Any:
    return connected().sink()


def _paths(stage: Any) -> list[str]:
    return [f"{method} {path}" for _, method, path, _ in stage.ledger.requests()]


def _open(**more: Any) -> Delivery:
    given = {"kind": "incident", "place": "incident", "title": "Checkout is slow", "text": "Since noon.", **more}
    cause = Cause("rule", Ref("jira", "issue", "LOOP-1"), "open", once=str(sorted(more)))
    return Delivery(OpenTicket(system="servicenow", cause=cause, **given), 1)


def _about(stage: Any, delivery: Delivery) -> Any:
    return stage.twin.row("incident", delivery.effect.mentions[0].key)


# ---------------------------------------------------------------------------------------------- opening


def test_a_ticket_is_opened_with_its_marker_priority_and_reporter(stage: Any, sink: Any) -> None:
    ada = stage.twin.insert("sys_user", {"user_name": "ada", "name": "Ada", "email": "Ada@Example.com"})
    (receipt,) = sink.apply([_open(priority=2, reporter=ADA)])
    assert isinstance(receipt, Receipt)
    row = stage.twin.row("incident", receipt.ref.key)
    assert (row["priority"], row["caller_id"], row["correlation_display"]) == ("2", ada["sys_id"], "loopbot")
    assert row["correlation_id"] == f"loopbot:{receipt.key}"
    assert isinstance(receipt.after, Incident)
    assert receipt.after.reporter == "Ada"
    assert receipt.ident == row["sys_id"]


@pytest.mark.parametrize("others", [0, 2])
def test_a_reporter_who_is_not_known_for_certain_is_not_guessed(stage: Any, sink: Any, others: int) -> None:
    for number in range(others):
        stage.twin.insert("sys_user", {"user_name": f"ada{number}", "email": "ada@example.com"})
    (receipt,) = sink.apply([_open(reporter=ADA)])
    assert isinstance(receipt, Receipt)
    assert not stage.twin.row("incident", receipt.ref.key).get("caller_id")
    assert "Ada is not known here" in receipt.note


def test_the_table_cuts_nothing_without_a_mark(stage: Any, sink: Any) -> None:
    (receipt,) = sink.apply([_open(title="x" * 500, text="y" * 9000)])
    row = stage.twin.row("incident", receipt.ref.key)
    assert len(row["short_description"]) == 160
    assert row["short_description"].endswith("…")
    assert len(row["description"]) == 4000


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kind": "issue", "place": ""}, "no table issue"),
        ({"place": "sys_user"}, "no table sys_user"),
        ({"fields": (("u_colour", "red"),)}, "no field u_colour"),
        ({"fields": (("comments", "psst"),)}, "comments"),
        ({"fields": (("sys_created_by", "ada"),)}, "sys_created_by"),
    ],
)
def test_what_the_instance_would_drop_without_a_word_is_refused(
    stage: Any, sink: Any, more: dict[str, Any], said: str
) -> None:
    (outcome,) = sink.apply([_open(**more)])
    assert isinstance(outcome, Rejected)
    assert said in outcome.why
    assert stage.ledger.entries(action="create", kind="incident") == []


def test_a_table_without_a_marker_field_gets_no_tickets(stage: Any, connected: Any) -> None:
    sink = connected(incidents={"table": "incident", "marker_field": ""}).sink()
    (outcome,) = sink.apply([_open()])
    assert isinstance(outcome, Rejected)
    assert "found again" in outcome.why


def test_a_problem_is_opened_in_its_own_table(stage: Any, sink: Any) -> None:
    (receipt,) = sink.apply([_open(kind="problem", place="")])
    assert isinstance(receipt, Receipt)
    assert receipt.ref.kind == "problem"
    assert isinstance(receipt.after, Problem)


# ---------------------------------------------------------------------------------------------- comments


def test_an_internal_note_never_becomes_a_comment_to_the_customer(stage: Any, sink: Any) -> None:
    public = stage.delivery("comment", "For you")
    internal = stage.delivery("comment", "Between us")
    internal = dataclasses.replace(internal, effect=dataclasses.replace(internal.effect, audience="internal"))
    sink.apply([public, internal])
    told = [(one.action, one.payload["value"]) for one in stage.ledger.entries(kind="incident")]
    assert told == [("comment", "For you"), ("work_note", "Between us")]


def test_markup_of_the_journal_stays_text(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("comment", "see [code]<img src=x onerror=alert(1)>[/CODE]")
    (receipt,) = sink.apply([delivery])
    assert isinstance(receipt, Receipt)
    assert "[code]" not in stage.seen(delivery).lower()
    assert stage.seen(delivery).replace("\u200b", "") == "see [code]<img src=x onerror=alert(1)>[/CODE]"


def test_the_same_words_of_someone_else_are_not_taken_for_ours(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("comment", "Works again")
    stage.twin.update("incident", delivery.effect.mentions[0].key, {"comments": "Works again"}, actor="grace")
    stage.faults.add(Fault("refuse", match=stage.writing("comment")))
    (outcome,) = sink.apply([delivery])
    assert isinstance(outcome, Uncertain)
    assert sink.find(_sent(delivery, minutes=10)) is None


def test_the_other_audience_is_not_taken_for_this_one(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("comment", "Works again")
    ref = delivery.effect.mentions[0].key
    stage.twin.update("incident", ref, {"work_notes": "Works again"}, actor="loopbot")
    assert sink.find(_sent(delivery, minutes=10)) is None


def test_a_journal_that_may_not_be_seen_leaves_it_to_a_person(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("comment", "Seen by nobody")
    sink.apply([delivery])
    (entry,) = stage.twin.journal("incident", delivery.effect.mentions[0].key)
    stage.twin.hide_row("sys_journal_field", entry["sys_id"])
    with pytest.raises(Uncertain):
        sink.find(_sent(delivery, minutes=10))
    stage.twin.access.denied.add(("sys_journal_field", "read"))
    with pytest.raises(Uncertain):
        sink.find(_sent(delivery, minutes=10))


def _sent(delivery: Delivery, *, minutes: int) -> Delivery:
    return dataclasses.replace(delivery, sent_at=datetime.now(UTC) - timedelta(minutes=minutes))


# ---------------------------------------------------------------------------------------------- what people did meanwhile


def test_a_ticket_that_is_there_already_is_not_written(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("transition", "")
    stage.twin.update(
        "incident",
        delivery.effect.mentions[0].key,
        {"state": "6", "close_code": "User error", "close_notes": "Was me"},
    )
    (receipt,) = sink.apply([delivery])
    assert isinstance(receipt, Receipt)
    assert "already" in receipt.note
    assert stage.ledger.entries() == []


def test_a_state_moved_by_hand_is_not_moved_back(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("transition", "")
    stage.twin.update("incident", delivery.effect.mentions[0].key, {"state": "3"})
    (outcome,) = sink.apply([delivery])
    assert isinstance(outcome, Transient)
    assert outcome.scope == "item"
    assert stage.ledger.entries() == []


@pytest.mark.parametrize(("state", "kind"), [("7", Receipt), ("8", Rejected)])
def test_a_ticket_that_a_person_has_finished_is_not_brought_back(stage: Any, sink: Any, state: str, kind: type) -> None:
    delivery = stage.delivery("transition", "")
    done = {"state": state, "close_code": "User error", "close_notes": "Was me"}
    stage.twin.update("incident", delivery.effect.mentions[0].key, done)
    (outcome,) = sink.apply([dataclasses.replace(delivery, records=())])
    assert isinstance(outcome, kind)
    assert stage.ledger.entries() == []


def test_closing_words_of_a_person_are_kept(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("transition", "")
    stage.twin.update("incident", delivery.effect.mentions[0].key, {"close_notes": "Cache was full"})
    (receipt,) = sink.apply([delivery])
    assert isinstance(receipt, Receipt)
    row = _about(stage, delivery)
    assert (row["state"], row["close_notes"], row["close_code"]) == ("6", "Cache was full", "Solution provided")
    assert receipt.after.state == "resolved"


def test_a_state_without_a_number_is_refused_with_the_remedy(stage: Any, connected: Any) -> None:
    delivery = stage.delivery("transition", "")
    sink = connected(incidents={"table": "incident", "states": {"1": "new"}}).sink()
    (outcome,) = sink.apply([delivery])
    assert isinstance(outcome, Rejected)
    assert "states" in outcome.hint


def test_a_data_policy_is_told_in_its_own_words(stage: Any, connected: Any) -> None:
    delivery = stage.delivery("transition", "")
    sink = connected(incidents={"table": "incident", "on_state": {}}).sink()
    (outcome,) = sink.apply([delivery])
    assert isinstance(outcome, Rejected)
    assert "Close code" in outcome.why


def test_a_row_changed_since_it_was_seen_waits_for_the_next_reading(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("set", "The new text")
    stage.twin.update("incident", delivery.effect.mentions[0].key, {"urgency": "1"}, actor="grace")
    (outcome,) = sink.apply([delivery])
    assert isinstance(outcome, Transient)
    assert stage.ledger.entries() == []
    fresh = dataclasses.replace(delivery.records[0], version=int(_about(stage, delivery)["sys_mod_count"]))
    (receipt,) = sink.apply([dataclasses.replace(delivery, records=(fresh,))])
    assert isinstance(receipt, Receipt)


def test_only_fields_that_differ_are_written(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("set", "Checkout is slow")
    effect = delivery.effect
    assert isinstance(effect, SetFields)
    both = (("short_description", "Checkout is slow"), ("description", "Since noon"))
    sink.apply([dataclasses.replace(delivery, effect=dataclasses.replace(effect, fields=both))])
    (entry,) = stage.ledger.entries(action="update")
    assert "description" in entry.payload
    assert "short_description" not in entry.payload


def test_a_cause_that_a_person_named_is_not_overwritten(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("link", "")
    other = stage.twin.insert("change_request", {"short_description": "Another"})
    stage.twin.update("incident", delivery.effect.mentions[0].key, {"caused_by": other["sys_id"]})
    (outcome,) = sink.apply([delivery])
    assert isinstance(outcome, Rejected)
    assert other["number"] in outcome.why
    assert stage.ledger.entries() == []


def test_a_problem_is_linked_on_the_incident(stage: Any, sink: Any) -> None:
    row = stage.twin.insert("incident", {"short_description": "Slow"})
    problem = stage.twin.insert("problem", {"short_description": "Pool"})
    source, target = Ref("servicenow", "problem", problem["number"]), Ref("servicenow", "incident", row["number"])
    cause = Cause("rule", source, "link")
    effect = LinkTickets(system="servicenow", cause=cause, source=source, relation="problem_of", target=target)
    (receipt,) = sink.apply([Delivery(effect, 1)])
    assert isinstance(receipt, Receipt)
    assert stage.twin.row("incident", row["number"])["problem_id"] == problem["sys_id"]
    assert receipt.after.links[0].relation == "problem_of"


def test_a_link_without_a_field_is_kept_in_loopbot_only(stage: Any, sink: Any) -> None:
    source, target = Ref("servicenow", "incident", "INC1"), Ref("jira", "issue", "LOOP-1")
    for one, relation, other in ((source, "mirrors", target), (source, "caused_by", target), (target, "fixes", source)):
        effect = LinkTickets(
            system="servicenow", cause=Cause("r", source, "l"), source=one, relation=relation, target=other
        )
        (outcome,) = sink.apply([Delivery(effect, 1)])
        assert isinstance(outcome, Rejected)
        assert outcome.hint == "the link is kept in loopbot only"
    assert stage.ledger.entries() == []


def test_a_key_that_would_be_a_query_touches_nothing_and_stops_nobody(stage: Any, sink: Any) -> None:
    good = stage.delivery("comment", "Fine")
    bad = Ref("servicenow", "incident", "INC1^ORactive=true")
    effect = Comment(system="servicenow", cause=Cause("r", bad, "c"), target=bad, text="x")
    refused, receipt = sink.apply([Delivery(effect, 1), good])
    assert isinstance(refused, Rejected)
    assert isinstance(receipt, Receipt)
    assert len(stage.ledger.entries()) == 1


# ---------------------------------------------------------------------------------------------- many at once


def _many(stage: Any, count: int) -> list[Delivery]:
    return [stage.delivery("transition", str(number)) for number in range(count)]


def test_fifty_writes_cost_one_read_and_one_batch(stage: Any, sink: Any) -> None:
    sink.apply([stage.delivery("comment", "The dictionary is known now")])
    before = len(_paths(stage))
    deliveries = _many(stage, 50)
    outcomes = sink.apply(deliveries)
    assert all(isinstance(one, Receipt) for one in outcomes)
    assert _paths(stage)[before:] == ["GET /api/now/table/incident", BATCH]
    assert [stage.done(one) for one in deliveries] == [1] * 50


def test_what_a_batch_did_not_get_to_is_sent_again_and_nothing_else(stage: Any, sink: Any) -> None:
    stage.twin.batch.quota = 2
    deliveries = _many(stage, 5)
    outcomes = sink.apply(deliveries)
    assert [type(one) for one in outcomes] == [Receipt, Receipt, Transient, Transient, Transient]
    assert {one.scope for one in outcomes[2:]} == {"item"}
    assert [stage.done(one) for one in deliveries] == [1, 1, 0, 0, 0]


def test_a_batch_whose_answer_is_lost_is_uncertain_for_each(stage: Any, sink: Any) -> None:
    deliveries = _many(stage, 3)
    stage.faults.add(Fault("lose_answer", match=BATCH))
    outcomes = sink.apply(deliveries)
    assert [type(one) for one in outcomes] == [Uncertain] * 3
    assert all(isinstance(sink.find(_sent(one, minutes=10)), Receipt) for one in deliveries)
    assert [stage.done(one) for one in deliveries] == [1] * 3


def test_answers_in_another_order_and_missing_ones_are_matched_by_id(stage: Any, sink: Any) -> None:
    import base64

    import orjson

    deliveries = _many(stage, 4)
    rows = [_about(stage, one) for one in deliveries]

    def item(number: int, status: int, body: Any) -> dict[str, Any]:
        return {
            "id": str(number),
            "status_code": status,
            "body": base64.b64encode(orjson.dumps(body)).decode(),
        }

    refusal = {"error": {"message": "Operation Failed", "detail": "No"}, "status": "failure"}
    served = [item(2, 403, refusal), item(0, 200, {"result": rows[0]}), item(99, 200, {})]
    body = orjson.dumps({"serviced_requests": served, "unserviced_requests": ["3"]})
    stage.faults.add(Fault("body", match=BATCH, status=200, body=body))
    outcomes = sink.apply(deliveries)
    assert isinstance(outcomes[0], Receipt)
    assert isinstance(outcomes[1], Uncertain)
    assert isinstance(outcomes[2], Rejected)
    assert isinstance(outcomes[3], Transient)


def test_where_there_is_no_batch_api_each_is_sent_alone(stage: Any, sink: Any) -> None:
    stage.faults.add(Fault("status", match=BATCH, status=403, body=b'{"error": {"message": "User Not Authorized"}}'))
    deliveries = _many(stage, 3)
    assert all(isinstance(one, Receipt) for one in sink.apply(deliveries))
    assert all(isinstance(one, Receipt) for one in sink.apply(_many(stage, 2)))
    assert _paths(stage).count(BATCH) == 1
    assert [stage.done(one) for one in deliveries] == [1] * 3


def test_a_server_that_is_down_is_asked_once_for_all(stage: Any, sink: Any, clock: QuickClock) -> None:
    deliveries = _many(stage, 20)
    stage.faults.add(Fault("status", match="GET", times=99, status=503))
    outcomes = sink.apply(deliveries)
    assert {type(one) for one in outcomes} == {Transient}
    assert stage.ledger.calls() == 3


def test_a_password_changed_meanwhile_stops_after_the_first_write(stage: Any, connected: Any) -> None:
    sink = connected().sink()
    sink.apply([stage.delivery("comment", "Still fine")])
    stage.twin.access.users["loopbot"] = "changed"
    before = stage.ledger.calls()
    outcomes = sink.apply(_many(stage, 10))
    assert {type(one) for one in outcomes} == {Unauthorized}
    assert stage.ledger.calls() - before == 1


def test_a_write_in_the_same_moment_as_a_person_is_noticed(stage: Any, sink: Any) -> None:
    import orjson

    delivery = stage.delivery("transition", "")
    row = {**_about(stage, delivery), "sys_mod_count": "9", "state": "6"}
    body = orjson.dumps({"result": row})
    stage.faults.add(Fault("body", match="PATCH", status=200, body=body))
    (receipt,) = sink.apply([delivery])
    assert isinstance(receipt, Receipt)
    assert "same moment" in receipt.note


def test_a_result_beside_an_error_is_not_taken_for_done(stage: Any, sink: Any) -> None:
    delivery = stage.delivery("comment", "Cut off")
    body = b'{"result": {"sys_id": "x"}, "error": {"message": "Transaction cancelled"}}'
    stage.faults.add(Fault("body", match="PATCH", status=200, body=body))
    (outcome,) = sink.apply([delivery])
    assert isinstance(outcome, Uncertain)


def test_an_instance_that_is_only_read_has_no_sink(connected: Any) -> None:
    assert connected(writes=False).sink() is None


OAUTH = {"user": "", "password": "", "client_id": "loopbot-client", "client_secret": "env:SECRET"}


def test_a_token_is_renewed_before_it_runs_out(stage: Any, connected: Any, clock: Any) -> None:
    """A write that is refused at the door would have to be looked for."""
    sink = connected(**OAUTH).sink()
    for number in range(3):
        (outcome,) = sink.apply([stage.delivery("comment", f"Note {number}")])
        assert isinstance(outcome, Receipt)
        clock.sleep(stage.twin.access.token_seconds - 30)
    assert _paths(stage).count("POST /oauth_token.do") == 3
    assert not any(one[3] == 401 for one in stage.ledger.requests())


@pytest.mark.parametrize("acted", [True, False], ids=["acted", "did not act"])
def test_a_write_that_was_answered_401_is_looked_for_with_a_new_token_and_not_sent_again(
    stage: Any, connected: Any, acted: bool
) -> None:
    sink = connected(**OAUTH).sink()
    stage.twin.faults.add(Fault("body" if acted else "status", "PATCH /api/now/table", status=401))
    delivery = stage.delivery("comment", "Works again")
    (outcome,) = sink.apply([delivery])
    assert isinstance(outcome, Uncertain)
    assert outcome.shut
    assert (sink.find(delivery) is not None) == acted
    assert _paths(stage).count("POST /oauth_token.do") == 2
    assert len([one for one in stage.ledger.entries() if one.action == "comment"]) == int(acted)
