"""Measuring causes: on files made for it, and on real tickets; nothing later than a ticket is seen."""

import csv
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loopbot.judgement.cause_features import FEATURES
from loopbot.judgement.cause_model import shipped_model
from loopbot.judgement.cause_training import Sample
from loopbot.judgement.evaluation.archive import Archive, growing_store, read_archive
from loopbot.judgement.evaluation.cause import bars, gather, learnt, measure, outspoken, taught_before
from loopbot.judgement.evaluation.cause_figures import Judged, Measurement, judged, place_of, share
from loopbot.judgement.evaluation.cause_figures import figures as figures_of
from loopbot.judgement.evaluation.figures import NotMeasuredError
from tests.support.made import incident

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
PARTS = ("Parser", "Writer", "Queue", "Router", "Planner")


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _day(number: float) -> str:
    return (BEGIN + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _made(folder: Path, first: int, last: int) -> None:
    """Every day a change, every third day a ticket that one of the last three caused; every second of these names it."""
    folder.mkdir()
    changes = [
        {
            "change_key": f"TEA-{number}",
            "first_commit": _day(number),
            "sha": f"{number:040x}",
            "repo": "tea",
            "n_commits": 1,
            "n_files": 1,
            "files": f"src/tea/{PARTS[number % 5]}.java",
            "subject": f"TEA-{number} Rework the {PARTS[number % 5].lower()}",
        }
        for number in range(first, last)
    ]
    tickets, pairs = [], []
    for number in range(first + 3, last, 3):
        key, cause = f"TEA-{number + 5000}", number - 1
        named = f" Broken by TEA-{cause}." if number % 2 else ""
        tickets.append(
            {
                "key": key,
                "created": _day(number + 0.5),
                "resolved": "",
                "status": "Open",
                "resolution": "",
                "priority": "Major",
                "components": "",
                "affects_versions": "",
                "fix_versions": "",
                "summary": f"The {PARTS[cause % 5].lower()} fails",
                "description": f"An exception in {PARTS[cause % 5]}.run.{named}",
            }
        )
        pairs.append({"incident_key": key, "cause_key": f"TEA-{cause}", "git_pool": "True"})
    _write(folder / "apache_jira_changes.csv.gz", changes)
    _write(folder / "apache_jira_tea_bugs.csv.gz", tickets)
    _write(folder / "apache_jira_cause_pairs.csv.gz", pairs)


def test_a_later_part_is_measured_with_the_earlier_one_as_its_history(tmp_path: Path) -> None:
    _made(tmp_path / "earlier", 0, 60)
    _made(tmp_path / "later", 60, 120)
    figures = {one.name: one for one in measure(tmp_path / "later", tmp_path / "earlier", lambda _: None)}
    assert figures["cause.recall_at_1_masked"].note.startswith("19 tickets; by ")
    assert figures["cause.recall_at_5_masked"].value == 1.0
    assert figures["cause.recall_at_1_unmasked"].value >= 0.5
    assert figures["cause.precision_at_bar"].value == 1.0
    assert set(figures) >= {f"cause.recall_at_{most}_{text}" for most in (1, 5, 10) for text in ("masked", "unmasked")}
    assert 0 < figures["cause.milliseconds_per_ticket"].value < 5000


def test_what_the_history_teaches_judges_if_it_does_no_worse_and_what_ships_is_told_beside(tmp_path: Path) -> None:
    _made(tmp_path / "earlier", 0, 110)
    _made(tmp_path / "later", 110, 140)
    figures = {one.name: one for one in measure(tmp_path / "later", tmp_path / "earlier", lambda _: None)}
    note = figures["cause.recall_at_1_masked"].note
    assert "by what 36 of the history taught: surprise at later answers" in note
    shipped = figures["cause.calibration_error_shipped"]
    assert shipped.goal is None
    assert shipped.value != figures["cause.calibration_error"].value
    assert "cause.milliseconds_per_ticket_shipped" not in figures


def test_a_ticket_that_blames_a_change_outright_is_none_of_those_without_a_cause_also_with_a_history(
    tmp_path: Path,
) -> None:
    _made(tmp_path / "earlier", 0, 30)
    _made(tmp_path / "later", 30, 60)
    path = tmp_path / "later" / "apache_jira_cause_pairs.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        pairs = [row for row in csv.DictReader(file) if int(row["incident_key"].partition("-")[2]) % 2 == 0]
    _write(path, pairs)
    figures = {one.name: one for one in measure(tmp_path / "later", tmp_path / "earlier", lambda _: None)}
    assert figures["cause.recall_at_1_masked"].note.startswith(f"{len(pairs)} tickets")
    assert "cause.links_per_100_unlabelled" not in figures


def test_of_a_history_nothing_teaches_that_is_asked_for_or_came_later(tmp_path: Path) -> None:
    _made(tmp_path / "all", 0, 120)
    archive = read_archive([tmp_path / "all"])
    known = archive.known(archive.causes)
    asked = known[20:25]
    assert taught_before(archive, asked, archive.causes) == known[:20]
    model, why = learnt([], lambda _: None)
    assert model == shipped_model()
    assert why == "by the model that ships: the history tells 0 earlier causes, 30 teach"


def test_without_a_history_each_part_of_time_is_judged_by_what_was_known_before_it(tmp_path: Path) -> None:
    _made(tmp_path / "all", 0, 120)
    figures = {one.name: one.value for one in measure(tmp_path / "all", None, lambda _: None)}
    assert figures["cause.recall_at_5_masked"] >= 0.9


def test_a_folder_without_tickets_is_said_to_be_not_measured(tmp_path: Path) -> None:
    with pytest.raises(NotMeasuredError, match=r"bugs\.csv\.gz"):
        measure(tmp_path, None, lambda _: None)


def test_changes_may_be_told_in_the_history_alone(tmp_path: Path) -> None:
    _made(tmp_path / "later", 0, 60)
    (tmp_path / "earlier").mkdir()
    (tmp_path / "later" / "apache_jira_changes.csv.gz").rename(tmp_path / "earlier" / "apache_jira_changes.csv.gz")
    figures = {one.name: one for one in measure(tmp_path / "later", tmp_path / "earlier", lambda _: None)}
    assert figures["cause.recall_at_1_masked"].note.startswith("19 tickets")


def test_where_nothing_is_linked_alone_no_precision_is_told() -> None:
    sample = Sample(((0.0,) * len(FEATURES),), ((0.0,),), (True,))
    unsure = Judged(Measurement(incident(1, 1), sample, sample), (0.3,), (0.3,))
    names = [one.name for one in figures_of([unsure], [], [])]
    assert "cause.recall_at_bar" in names
    assert "cause.precision_at_bar" not in names
    assert "cause.links_per_100_unlabelled" not in names


def _said(probability: float, *, right: bool) -> Judged:
    vector = (0.0,) * len(FEATURES)
    sample = Sample((vector, vector), ((0.0,), (0.0,)), (right, not right))
    return Judged(Measurement(incident(1, 1), sample, sample), (probability, 0.0), (probability, 0.0))


def test_it_is_advised_from_where_on_to_link_and_from_where_on_to_ask() -> None:
    said = [_said(0.9, right=True) for _ in range(20)]
    said += [_said(0.6 - place / 100, right=place % 2 == 0) for place in range(20)]
    said += [_said(0.1, right=False) for _ in range(20)]
    link, ask = bars(said)
    assert link.setting == "link_at = 0.58"
    assert ask.setting == "ask_at = 0.42"
    assert ask.why.startswith("half of the 16 questions between the bars")
    (alone,) = bars(said[-20:])
    assert alone.setting == "link_at = 1.0"


def test_nothing_later_than_the_ticket_is_a_candidate(tmp_path: Path) -> None:
    _made(tmp_path / "all", 0, 60)
    archive = read_archive([tmp_path / "all"])
    known = archive.known(archive.causes)
    with growing_store(archive) as growing:
        for one in known:
            growing.until(one.ticket.occurred_at)
            with growing.store.read() as tx:
                assert all(record.occurred_at < one.ticket.occurred_at for record in tx.mirror.all())
                assert tx.mirror.get(one.ticket.ref) is None


def test_a_ticket_that_says_outright_what_broke_it_teaches_too(tmp_path: Path) -> None:
    _made(tmp_path / "all", 0, 30)
    archive = read_archive([tmp_path / "all"])
    silent = Archive(archive.records, archive.tickets, {}, archive.changes)
    assert {one.ticket.key for one in outspoken(silent)} == {
        key for key, one in archive.tickets.items() if "Broken by" in one.text
    }


def test_causes_of_real_tickets_are_found(shared: Path) -> None:
    """A project small enough for a test; the model has seen it, so this only says that the way from file to figure holds."""
    whole = read_archive([shared / "data"])
    small = [one for one in whole.records if one[1].key.startswith("ZOOKEEPER")]
    archive = Archive(
        small,
        {key: one for key, one in whole.tickets.items() if key.startswith("ZOOKEEPER")},
        {key: refs for key, refs in whole.causes.items() if key.startswith("ZOOKEEPER")},
        whole.changes,
    )
    known = [one for one in archive.known(archive.causes) if one.causes]
    with growing_store(archive) as growing:
        seen = gather(growing, known, lambda _: None)
    said = judged(seen.values(), shipped_model())
    assert len(said) >= 10
    assert share(place_of(one.of.unmasked.truths, one.unmasked) < 5 for one in said) >= 0.6
    assert share(place_of(one.of.masked.truths, one.masked) < 10 for one in said) >= 0.5
