"""What every connector promises, shaken on its twin over real HTTP and judged by the twin's ledger."""

import contextlib
import dataclasses
import importlib.util
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import CATALOGUE
from loopbot.domain.errors import BrokenAnswer, Rejected, SystemTrouble, Transient, Unauthorized, Uncertain, shut_out
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Record
from loopbot.ports import Connector, Cursor, Sink, Source
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.serving import served
from tests.connectors.contract import QuickClock, Stage, surroundings

HERE = Path(__file__).parent
NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
# Looked for so much later that nothing which was under way when the connection broke still is.
LATER = timedelta(minutes=10)
HOSTILE = (
    "<!channel> <https://evil.example|click> & {code} *bold* _x_ `y` ^ORactive=true javascript:gs.log() %00 "
    "'quote\" [~admin] \U0001f980 é 日本"
)


# ---------------------------------------------------------------------------------------------- the stages


def stages() -> Mapping[str, type[Stage]]:
    found: dict[str, type[Stage]] = {}
    for path in sorted(HERE.glob("*/stage.py")):
        spec = importlib.util.spec_from_file_location(f"stage_of_{path.parent.name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.update(module.STAGES)
    return found


ALL = stages()


def _on(fits: Callable[[type[Stage]], bool]) -> Callable[[Callable[..., None]], Any]:
    """On each stage that fits, except where the stage says (with the reason) that the test has no meaning."""

    def mark(test: Callable[..., None]) -> Any:
        kinds = {name: kind for name, kind in ALL.items() if fits(kind) and test.__name__ not in kind.traits.cannot}
        return pytest.mark.parametrize("stage", kinds.values(), ids=kinds.keys(), indirect=True)(test)

    return mark


on_every_stage = _on(lambda _kind: True)
where_it_reads = _on(lambda kind: bool(kind.traits.stream))
where_it_writes = _on(lambda kind: kind.traits.writes)


def test_every_connector_of_the_catalogue_has_a_stage() -> None:
    assert [name for name in CATALOGUE if not (HERE / name / "stage.py").exists()] == []


def test_what_a_stage_leaves_out_is_a_test_of_this_suite() -> None:
    left_out = {name for kind in ALL.values() for name in kind.traits.cannot}
    assert left_out <= set(globals())


# ---------------------------------------------------------------------------------------------- credentials


@on_every_stage
def test_the_netrc_of_the_machine_replaces_no_credentials(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """requests, and so every library on it, takes what stands there over what it was given."""
    theirs = tmp_path / "netrc"
    theirs.write_text("default login somebody password else\n", encoding="utf-8")
    theirs.chmod(0o600)
    monkeypatch.setenv("NETRC", str(theirs))
    with contextlib.closing(stage.connector(surroundings())) as connector:
        assert [one.what for one in connector.check() if one.level == "error"] == []
    assert not [one for one in stage.ledger.requests() if one[3] in {401, 403}]


# ---------------------------------------------------------------------------------------------- reading


class Reader:
    """Reads the stage's stream as the daemon does: page by page, the cursor kept."""

    def __init__(self, stage: Stage, clock: QuickClock | None = None, **more: Any) -> None:
        self.stage = stage
        self.connector = stage.connector(surroundings(clock), **more)
        self.source = _source(self.connector, f"{self.connector.system}:{stage.traits.stream}")
        self.cursor = Cursor()
        self.records: list[Record] = []
        self.set_aside: list[str] = []

    def read(self) -> list[Record]:
        """One poll; what it brought."""
        found: list[Record] = []
        for page in self.source.read(self.cursor):
            found += page.records
            self.set_aside += [one.ident for one in page.unmapped]
            self.cursor = page.cursor
        self.records += found
        return found

    def calls(self) -> int:
        return self.stage.ledger.calls(self.stage.traits.system)


def _source(connector: Connector, stream: str) -> Source:
    names = [source.stream for source in connector.sources()]
    assert stream in names
    return connector.sources()[names.index(stream)]


def _keys(records: list[Record]) -> list[str]:
    return sorted(record.key for record in records)


@where_it_reads
def test_everything_is_read_once(stage: Stage) -> None:
    keys = [key for minute in range(5) for key in stage.add(6, NOON + timedelta(minutes=minute))]
    assert _keys(Reader(stage).read()) == sorted(keys)


@where_it_reads
def test_what_was_counted_there_is_what_came(stage: Stage) -> None:
    stage.add(12, NOON)
    reader = Reader(stage)
    assert reader.source.count() in {None, len(reader.read())}


@where_it_reads
def test_a_stream_without_records_is_read_in_one_call_and_keeps_the_beginning(stage: Stage) -> None:
    reader = Reader(stage)
    assert reader.read() == []
    before = reader.calls()
    reader.read()
    assert reader.calls() - before == 1
    keys = stage.add(1, NOON)
    assert _keys(reader.read()) == keys


@where_it_reads
def test_an_edit_is_seen_by_the_next_reading(stage: Stage) -> None:
    keys = stage.add(5, NOON)
    reader = Reader(stage)
    reader.read()
    stage.edit(keys[0], "Said again, better", NOON + timedelta(hours=1))
    seen = {record.key: record.title for record in reader.read()}
    assert seen[keys[0]] == "Said again, better"


@where_it_reads
def test_a_row_that_changes_in_the_very_moment_of_the_watermark_is_seen(stage: Stage) -> None:
    keys = stage.add(5, NOON)
    reader = Reader(stage)
    reader.read()
    stage.edit(keys[2], "Changed in the same moment", NOON)
    (added,) = stage.add(1, NOON)
    seen = {record.key: record.title for record in reader.read()}
    assert seen[keys[2]] == "Changed in the same moment"
    assert added in seen


@where_it_reads
def test_rows_that_share_one_stamp_are_all_seen(stage: Stage) -> None:
    first = stage.add(2, NOON - timedelta(minutes=1))
    same = stage.add(stage.traits.many, NOON)
    last = stage.add(2, NOON + timedelta(minutes=1))
    reader = Reader(stage)
    found = Counter(record.key for record in reader.read())
    assert set(found) == {*first, *same, *last}
    assert max(found.values()) == 1


@where_it_reads
def test_an_idle_poll_is_one_call(stage: Stage) -> None:
    stage.add(20, NOON)
    reader = Reader(stage)
    reader.read()
    reader.read()
    before = reader.calls()
    reader.read()
    assert reader.calls() - before == 1


@where_it_reads
def test_nothing_from_before_the_overlap_is_read_again(stage: Stage) -> None:
    stage.add(5, NOON - timedelta(hours=2))
    recent = stage.add(1, NOON)
    reader = Reader(stage)
    reader.read()
    assert set(_keys(reader.read())) <= set(recent)


@where_it_reads
def test_a_row_that_becomes_visible_late_is_seen(stage: Stage) -> None:
    stage.add(3, NOON)
    reader = Reader(stage)
    reader.read()
    (late,) = stage.add(1, NOON - timedelta(seconds=45))
    assert late in _keys(reader.read())


@where_it_reads
def test_a_new_process_goes_on_where_the_last_one_stopped(stage: Stage) -> None:
    old = stage.add(5, NOON - timedelta(hours=2))
    stage.add(1, NOON - timedelta(hours=1))
    first = Reader(stage)
    first.read()
    keys = stage.add(2, NOON + timedelta(hours=1))
    second = Reader(stage)
    second.cursor = first.cursor
    found = set(_keys(second.read()))
    assert found >= set(keys)
    assert found.isdisjoint(old)


@where_it_reads
def test_a_row_that_can_not_be_mapped_is_set_aside_and_the_page_goes_on(stage: Stage) -> None:
    before = stage.add(3, NOON)
    ident = stage.spoil(NOON + timedelta(minutes=1))
    after = stage.add(3, NOON + timedelta(minutes=2))
    reader = Reader(stage)
    assert _keys(reader.read()) == sorted([*before, *after])
    assert set(reader.set_aside) == {ident}


# ---------------------------------------------------------------------------------------------- awkward answers


def _raises_and_stays(reader: Reader, kind: type[SystemTrouble]) -> SystemTrouble:
    """Read, expecting that trouble; neither a record nor the cursor may have moved."""
    kept, held = reader.cursor, len(reader.records)
    with pytest.raises(kind) as raised:
        reader.read()
    assert reader.cursor == kept
    assert len(reader.records) == held
    return raised.value


@where_it_reads
def test_a_web_page_instead_of_data_is_no_answer(stage: Stage) -> None:
    reader = Reader(stage)
    stage.add(3, NOON)
    reader.read()
    stage.faults.add(Fault("html", match=stage.traits.reading, times=9))
    _raises_and_stays(reader, Unauthorized)


@where_it_reads
def test_cut_json_is_no_answer(stage: Stage) -> None:
    reader = Reader(stage)
    stage.add(3, NOON)
    reader.read()
    stage.faults.add(Fault("body", match=stage.traits.reading, times=9, status=200, body=b'{"result": [{"sys_id": "ab'))
    _raises_and_stays(reader, BrokenAnswer)


@where_it_reads
def test_a_connection_cut_in_the_answer_is_read_again(stage: Stage) -> None:
    keys = stage.add(3, NOON)
    reader = Reader(stage)
    stage.faults.add(Fault("truncate", match=stage.traits.reading))
    assert _keys(reader.read()) == sorted(keys)


@where_it_reads
def test_a_server_that_stays_down_is_transient(stage: Stage) -> None:
    reader = Reader(stage)
    reader.read()
    stage.faults.add(Fault("status", match=stage.traits.reading, times=9, status=503))
    _raises_and_stays(reader, Transient)
    stage.faults.clear()
    keys = stage.add(1, NOON)
    assert _keys(reader.read()) == keys


@where_it_reads
@pytest.mark.parametrize("asked", ["1800", "a date", "absent", "999999999", "soon"])
def test_too_many_calls_are_waited_for_as_long_as_the_server_says(stage: Stage, asked: str) -> None:
    clock = QuickClock()
    reader = Reader(stage, clock)
    reader.read()
    value = format_datetime(datetime.now(UTC) + timedelta(minutes=30), usegmt=True) if asked == "a date" else asked
    headers = {} if asked == "absent" else {"Retry-After": value}
    stage.faults.add(Fault("status", match=stage.traits.reading, times=3, status=429, headers=headers, body=b"<html>"))
    trouble = _raises_and_stays(reader, Transient)
    assert isinstance(trouble, Transient)
    if asked in {"1800", "a date"}:
        assert trouble.after is not None
        assert 1700 <= trouble.after <= 1900
    if asked == "999999999":
        assert trouble.after == pytest.approx(3600, abs=6)
    held = reader.calls()
    with pytest.raises(Transient):
        reader.read()
    assert reader.calls() == held, "the endpoint has to be left alone meanwhile"
    stage.faults.clear()
    clock.sleep(4000)
    reader.read()


@where_it_reads
@pytest.mark.parametrize("asked", ["-5", "0", "1"])
def test_a_short_wait_is_waited_at_once(stage: Stage, asked: str) -> None:
    clock = QuickClock()
    reader = Reader(stage, clock)
    keys = stage.add(2, NOON)
    stage.faults.add(Fault("status", match=stage.traits.reading, status=429, headers={"Retry-After": asked}))
    assert _keys(reader.read()) == sorted(keys)
    assert clock.slept >= 1


@where_it_reads
def test_a_page_that_repeats_is_an_error_and_not_an_endless_reading(stage: Stage) -> None:
    reader = Reader(stage)
    stage.add(3, NOON)
    stage.faults.add(stage.stuck())
    before = reader.calls()
    with pytest.raises(BrokenAnswer):
        reader.read()
    assert reader.calls() - before < 20


@where_it_reads
def test_a_redirect_to_elsewhere_is_not_followed(stage: Stage) -> None:
    visits: list[str] = []

    async def elsewhere(scope: Any, _receive: Any, send: Any) -> None:
        visits.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    reader = Reader(stage)
    reader.read()
    with served(elsewhere) as other:
        for status in (302, 307):
            headers = {"Location": f"{other.url}/login"}
            stage.faults.add(Fault("status", match=stage.traits.reading, times=1, status=status, headers=headers))
            _raises_and_stays(reader, Unauthorized)
    assert visits == []


# ---------------------------------------------------------------------------------------------- writing


def _sink(stage: Stage, **more: Any) -> Sink:
    sink = stage.connector(surroundings(), **more).sink()
    assert sink is not None
    return sink


def _closed_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


def _lost(delivery: Delivery) -> Delivery:
    """The same, as it is handed to `find`: sent some time ago."""
    return dataclasses.replace(delivery, sent_at=datetime.now(UTC) - LATER)


@where_it_writes
def test_each_verb_is_done_once_and_leaves_one_entry(stage: Stage) -> None:
    sink = _sink(stage)
    for verb in sorted(sink.verbs):
        delivery = stage.delivery(verb, f"A plain text for {verb}")
        (outcome,) = sink.apply([delivery])
        assert isinstance(outcome, Receipt), (verb, outcome)
        assert outcome.key == delivery.effect.key
        assert stage.done(delivery) == 1, verb


@where_it_writes
def test_deliveries_together_are_answered_in_their_order(stage: Stage) -> None:
    sink = _sink(stage)
    deliveries = [stage.delivery(verb, f"{verb} {number}") for number in range(3) for verb in sorted(sink.verbs)]
    outcomes = sink.apply(deliveries)
    assert [getattr(one, "key", one) for one in outcomes] == [one.effect.key for one in deliveries]
    assert [stage.done(one) for one in deliveries] == [1] * len(deliveries)


@where_it_writes
def test_a_lost_answer_is_uncertain_and_then_found(stage: Stage) -> None:
    sink = _sink(stage)
    for verb in sorted(sink.verbs):
        delivery = stage.delivery(verb, f"The answer to this {verb} is lost")
        stage.faults.add(Fault("lose_answer", match=stage.writing(verb)))
        (outcome,) = sink.apply([delivery])
        assert isinstance(outcome, Uncertain), (verb, outcome)
        assert stage.faults.waiting() == 0, verb
        receipt = sink.find(_lost(delivery))
        assert isinstance(receipt, Receipt), verb
        assert receipt.key == delivery.effect.key
        assert stage.done(delivery) == 1, verb


@where_it_writes
def test_a_new_process_finds_what_the_last_one_lost(stage: Stage) -> None:
    sink = _sink(stage)
    for verb in sorted(sink.verbs):
        delivery = stage.delivery(verb, f"The answer to this {verb} is lost, and so is the process")
        stage.faults.add(Fault("lose_answer", match=stage.writing(verb)))
        sink.apply([delivery])
        receipt = _sink(stage).find(dataclasses.replace(_lost(delivery), records=()))
        assert isinstance(receipt, Receipt), verb
        assert stage.done(delivery) == 1, verb


@where_it_writes
def test_a_request_cut_before_the_act_is_uncertain_and_then_certainly_not_there(stage: Stage) -> None:
    sink = _sink(stage)
    for verb in sorted(sink.verbs):
        delivery = stage.delivery(verb, f"This {verb} never arrives")
        stage.faults.add(Fault("refuse", match=stage.writing(verb)))
        (outcome,) = sink.apply([delivery])
        assert isinstance(outcome, Uncertain), (verb, outcome)
        assert sink.find(_lost(delivery)) is None, verb
        assert stage.done(delivery) == 0, verb
        (again,) = sink.apply([delivery])
        assert isinstance(again, Receipt), (verb, again)
        assert stage.done(delivery) == 1, verb


@where_it_writes
def test_an_error_of_the_server_after_a_write_was_sent_is_uncertain(stage: Stage) -> None:
    sink = _sink(stage)
    for verb in sorted(sink.verbs):
        delivery = stage.delivery(verb, f"A gateway spoils the answer to this {verb}")
        stage.faults.add(Fault("body", match=stage.writing(verb), status=502, body=b"Bad gateway"))
        (outcome,) = sink.apply([delivery])
        assert isinstance(outcome, Uncertain), (verb, outcome)
        assert isinstance(sink.find(_lost(delivery)), Receipt), verb
        assert stage.done(delivery) == 1, verb


@where_it_writes
def test_a_connection_that_is_refused_is_transient_and_nothing_is_there(stage: Stage) -> None:
    away, sink = _sink(stage, base_url=_closed_port()), _sink(stage)
    for verb in sorted(sink.verbs):
        delivery = stage.delivery(verb, f"Nobody listens to this {verb}")
        (outcome,) = away.apply([delivery])
        assert isinstance(outcome, Transient), (verb, outcome)
        assert sink.find(_lost(delivery)) is None, verb
        assert stage.done(delivery) == 0, verb


@where_it_writes
def test_a_write_that_comes_too_often_is_not_done_and_may_be_sent_again(stage: Stage) -> None:
    sink = _sink(stage)
    verb = min(sink.verbs)
    delivery = stage.delivery(verb, "Too often")
    stage.faults.add(Fault("status", match=stage.writing(verb), status=429, headers={"Retry-After": "1"}))
    (outcome,) = sink.apply([delivery])
    assert isinstance(outcome, Transient), outcome
    (again,) = sink.apply([delivery])
    assert isinstance(again, Receipt), again
    assert stage.done(delivery) == 1


@where_it_writes
def test_one_refusal_among_many_is_settled_by_itself(stage: Stage) -> None:
    sink = _sink(stage)
    verb = type(stage.refused().effect).verb
    good = [stage.delivery(verb, f"A good one, number {number}") for number in range(4)]
    bad = stage.refused()
    outcomes = sink.apply([*good[:2], bad, *good[2:]])
    assert [type(one) for one in outcomes] == [Receipt, Receipt, type(outcomes[2]), Receipt, Receipt]
    assert isinstance(outcomes[2], Rejected), outcomes[2]
    assert [stage.done(one) for one in good] == [1] * 4
    assert stage.done(bad) == 0


@where_it_writes
def test_hostile_text_arrives_as_it_was_written(stage: Stage) -> None:
    sink = _sink(stage)
    for verb in sorted(sink.verbs & {"open", "comment", "post", "tell"}):
        delivery = stage.delivery(verb, HOSTILE)
        (outcome,) = sink.apply([delivery])
        assert isinstance(outcome, Receipt), (verb, outcome)
        assert HOSTILE in stage.seen(delivery), verb


@where_it_writes
def test_a_wrong_token_writes_nothing_and_is_unauthorized(stage: Stage) -> None:
    sink = _sink(stage, wrong_token=True)
    for verb in sorted(sink.verbs):
        delivery = stage.delivery(verb, "Nobody may write this")
        (outcome,) = sink.apply([delivery])
        assert shut_out(outcome), (verb, outcome)
        assert stage.done(delivery) == 0, verb


# ---------------------------------------------------------------------------------------------- looking before leaping


@on_every_stage
def test_a_healthy_system_has_no_error(stage: Stage) -> None:
    if stage.traits.stream:
        stage.add(3, NOON)
    findings = list(stage.connector(surroundings()).check())
    assert findings
    assert [one for one in findings if one.level == "error"] == []


@on_every_stage
def test_a_wrong_token_is_one_finding_that_says_so(stage: Stage) -> None:
    findings = list(stage.connector(surroundings(), wrong_token=True).check())
    errors = [one for one in findings if one.level == "error"]
    assert len(errors) == 1
    assert errors[0].what
    assert errors[0].hint


@on_every_stage
def test_looking_writes_nothing(stage: Stage) -> None:
    before = len(stage.ledger.entries())
    list(stage.connector(surroundings()).check())
    assert len(stage.ledger.entries()) == before


@on_every_stage
def test_a_system_that_is_away_is_one_finding(stage: Stage) -> None:
    findings = list(stage.connector(surroundings(), base_url=_closed_port()).check())
    assert [one.level for one in findings if one.level == "error"] == ["error"]


@on_every_stage
def test_constructing_makes_no_call(stage: Stage) -> None:
    before = stage.ledger.calls()
    connector = stage.connector(surroundings())
    connector.sources()
    connector.sink()
    connector.close()
    assert stage.ledger.calls() == before
