"""Measuring on files: with and without a history, honest in time, and told what is missing."""

import csv
import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from loopbot.judgement.evaluation import item, recurrence
from loopbot.judgement.evaluation.figures import NotMeasuredError
from loopbot.judgement.evaluation.tickets import pools

TICKET = {"priority": "Major", "components": "export", "affects_versions": "", "fix_versions": "", "description": ""}
OLD = [
    TICKET
    | {"key": "NEW-1", "created": "2020-01-01T10:00:00Z", "summary": "CSV export stops half way", "resolved": ""},
    TICKET | {"key": "NEW-2", "created": "2020-01-02T10:00:00Z", "summary": "Login page is blank", "resolved": ""},
]
LATER = [
    TICKET
    | {"key": "NEW-3", "created": "2020-02-01T10:00:00Z", "summary": "Export of CSV stops, as NEW-1", "resolved": ""},
    TICKET | {"key": "NEW-4", "created": "2020-03-01T10:00:00Z", "summary": "Blank page at login", "resolved": ""},
]
GROUPS = [
    {"group": "G1", "key": "NEW-1"}, {"group": "G1", "key": "NEW-3"}, {"group": "G2", "key": "NEW-2"},
    {"group": "G2", "key": "NEW-4"},
]  # fmt: skip


WORDS = [f"word{letter}" for letter in "abcdefghijklmnop"]


def write(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    given = list(rows)
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, sorted({name for row in given for name in row}))
        writer.writeheader()
        writer.writerows(given)


def figures(data: Path, history: Path | None = None) -> dict[str, float]:
    return {one.name: one.value for one in recurrence.measure(data, history, lambda _: None)}


def test_what_lies_in_the_history_is_a_candidate_and_never_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "old" / "apache_jira_new_bugs.csv.gz", OLD)
    write(tmp_path / "later" / "apache_jira_new_bugs.csv.gz", LATER)
    write(tmp_path / "later" / "apache_jira_dup_groups.csv.gz", GROUPS)
    found = figures(tmp_path / "later", tmp_path / "old")
    assert found["recurrence.recall_at_1"] == found["recurrence.recall_at_10"] == 1.0
    assert {"recurrence.recall_at_5", "recurrence.recall_at_bar", "recurrence.calibration_error"} <= set(found)
    (pool,) = pools(tmp_path / "later", tmp_path / "old")
    assert [one.key for one in pool.tickets] == ["NEW-1", "NEW-2", "NEW-3", "NEW-4"]
    assert {ref.key for ref in pool.in_history} == {"NEW-1", "NEW-2"}


def test_where_nothing_unrelated_was_asked_for_nothing_is_said_of_false_alarms(tmp_path: Path) -> None:
    write(tmp_path / "apache_jira_new_bugs.csv.gz", [*OLD, *LATER])
    write(tmp_path / "apache_jira_dup_groups.csv.gz", GROUPS)
    assert not [name for name in figures(tmp_path) if "false_alarms" in name]


def test_a_folder_of_which_no_ticket_repeats_an_earlier_one_is_not_measured(tmp_path: Path) -> None:
    write(tmp_path / "old" / "apache_jira_new_bugs.csv.gz", [*OLD, *LATER])
    write(tmp_path / "old" / "apache_jira_dup_groups.csv.gz", GROUPS)
    (tmp_path / "empty").mkdir()
    plain = [one | {"key": f"NEW-{number}"} for number, one in enumerate(LATER, start=7)]
    write(tmp_path / "plain" / "apache_jira_new_bugs.csv.gz", plain)
    for name in ("empty", "plain"):
        with pytest.raises(NotMeasuredError, match=f"no ticket of .*{name} has an earlier one"):
            figures(tmp_path / name, tmp_path / "old")


def test_a_group_whose_rows_are_in_both_folders_is_one_and_one_of_the_same_name_alone_is_not(tmp_path: Path) -> None:
    write(tmp_path / "old" / "apache_jira_new_bugs.csv.gz", OLD)
    write(tmp_path / "later" / "apache_jira_new_bugs.csv.gz", LATER)
    sizes = {"G1": "2", "G2": "4"}
    sized = [one | {"group_size": sizes[one["group"]]} for one in GROUPS]
    write(tmp_path / "old" / "apache_jira_dup_groups.csv.gz", [sized[0], sized[2]])
    write(tmp_path / "later" / "apache_jira_dup_groups.csv.gz", [sized[1], sized[3]])
    (pool,) = pools(tmp_path / "later", tmp_path / "old")
    by_key = {one.key: one for one in pool.tickets}
    assert {ref.key for ref in pool.earlier(by_key["NEW-3"])} == {"NEW-1"}
    assert not pool.earlier(by_key["NEW-4"])


def _pairs(first: int, last: int, year: int) -> list[dict[str, str]]:
    """Each day a ticket, and half a day later one whose title says nothing: only its text says where it hurts."""
    return [
        TICKET | {
            "key": f"NEW-{2 * number + again}", "created": f"{year}-{1 + number // 28:02}-{1 + number % 28:02}T{10 + again}:00:00Z",
            "summary": (f"Help wanted {number}", f"Ticket {number}")[again],
            "description": f"The {WORDS[number % 16]} scanner {WORDS[number // 16]} of shelf {number}x lost its pairing",
        }
        for number in range(first, last) for again in (0, 1)
    ]  # fmt: skip


def _same(first: int, last: int) -> list[dict[str, str]]:
    return [
        {"group": f"G{number}", "key": f"NEW-{2 * number + again}"} for number in range(first, last) for again in (0, 1)
    ]


def test_what_the_history_teaches_of_repeat_is_tried_there_and_what_ships_is_told_beside(tmp_path: Path) -> None:
    write(tmp_path / "old" / "apache_jira_new_bugs.csv.gz", _pairs(0, 60, 2020))
    write(tmp_path / "old" / "apache_jira_dup_groups.csv.gz", _same(0, 60))
    write(tmp_path / "later" / "apache_jira_new_bugs.csv.gz", _pairs(60, 80, 2021))
    write(tmp_path / "later" / "apache_jira_dup_groups.csv.gz", _same(60, 80))
    found = {one.name: one for one in recurrence.measure(tmp_path / "later", tmp_path / "old", lambda _: None)}
    assert (
        "by what 60 pairs of the history taught: surprise at later answers"
        in found["recurrence.repeat_recall_at_1"].note
    )
    learnt, shipped = (found[f"recurrence.repeat_calibration_error{end}"] for end in ("", "_shipped"))
    assert learnt.value != shipped.value
    assert (learnt.goal, shipped.goal) == (0.08, None)
    plain = {one.name: one.value for one in recurrence.measure(tmp_path / "later", None, lambda _: None)}
    assert "recurrence.repeat_recall_at_1" in plain
    assert not [name for name in plain if name.endswith("_shipped")]


def test_the_answers_of_the_later_part_teach_nothing_of_the_history(tmp_path: Path) -> None:
    write(tmp_path / "old" / "apache_jira_new_bugs.csv.gz", _pairs(0, 60, 2020))
    write(tmp_path / "later" / "apache_jira_new_bugs.csv.gz", _pairs(60, 80, 2021))
    write(tmp_path / "later" / "apache_jira_dup_groups.csv.gz", _same(0, 80))
    found = {one.name: one for one in recurrence.measure(tmp_path / "later", tmp_path / "old", lambda _: None)}
    assert "the weights that ship: the history tells 0 earlier pairs" in found["recurrence.repeat_recall_at_1"].note


def test_only_earlier_tickets_are_repeated_and_their_keys_are_masked(tmp_path: Path) -> None:
    write(tmp_path / "all" / "apache_jira_new_bugs.csv.gz", [*OLD, *LATER])
    write(tmp_path / "all" / "apache_jira_dup_groups.csv.gz", GROUPS)
    (pool,) = pools(tmp_path / "all", None)
    by_key = {one.key: one for one in pool.tickets}
    assert pool.earlier(by_key["NEW-1"]) == frozenset()
    assert pool.earlier(by_key["NEW-3"]) == {by_key["NEW-1"].ref}
    assert "NEW-1" not in by_key["NEW-3"].title


def test_pairs_become_groups(tmp_path: Path) -> None:
    bug = {"Status": "Resolved", "Description": ""}
    write(tmp_path / "all" / "gitbugs_new.csv.gz", [
        bug | {"Issue id": "1", "Created": "30/Sep/21 17:20", "Summary": "CSV export stops"},
        bug | {"Issue id": "2", "Created": "01/Oct/21 17:20", "Summary": "Export to CSV stopped"},
        bug | {"Issue id": "3", "Created": "02/Oct/21 17:20", "Summary": "The CSV export stops"},
    ])  # fmt: skip
    write(tmp_path / "all" / "gitbugs_new_dup_pairs.csv.gz", [{"Issue id": "3", "Duplicates": "1, 2"}])
    (pool,) = pools(tmp_path / "all", None)
    assert {ref.key for ref in pool.earlier(pool.tickets[2])} == {"1", "2"}


def test_who_said_that_a_ticket_repeats_another_is_heard_whatever_the_other_is(tmp_path: Path) -> None:
    closed = LATER[1] | {"resolution": "Duplicate"}
    fixed = OLD[1] | {"resolution": "Fixed"}
    write(tmp_path / "all" / "apache_jira_new_bugs.csv.gz", [OLD[0], fixed, LATER[0], closed])
    write(tmp_path / "all" / "apache_jira_links.csv.gz", [
        {"from_key": "NEW-3", "link_type": "Cloners", "to_key": "ELSE-1"},
        {"from_key": "NEW-1", "link_type": "Reference", "to_key": "NEW-2"},
    ])  # fmt: skip
    bug = {"Description": "", "Created": "30/Sep/21 17:20", "Summary": "CSV export stops"}
    write(tmp_path / "all" / "gitbugs_new.csv.gz", [
        bug | {"Issue id": "1", "Resolution": "Duplicate"}, bug | {"Issue id": "2", "Resolution": "Done"},
    ])  # fmt: skip
    write(tmp_path / "all" / "gitbugs_new_dup_pairs.csv.gz", [{"Issue id": "8", "Duplicates": "9"}])
    write(tmp_path / "all" / "apache_jira_dup_groups.csv.gz", GROUPS[:2])
    jira, gitbugs = pools(tmp_path / "all", None)
    assert {ref.key for ref in jira.repeating} == {"NEW-3", "NEW-4"}
    assert {ref.key for ref in gitbugs.repeating} == {"1"}


def test_what_somebody_closed_as_a_duplicate_is_no_false_alarm(tmp_path: Path) -> None:
    words = [f"word{letter}" for letter in "abcdefghijklmnop"]
    filed = [
        TICKET | {
            "key": f"NEW-{number}", "created": f"2020-01-01T{number // 60:02}:{number % 60:02}:00Z", "resolved": "",
            "resolution": "", "summary": f"{words[number % 16]} {words[number // 16]} {number}x",
        }
        for number in range(150)
    ]  # fmt: skip
    again = [
        filed[number] | {"key": f"NEW-{number + 500}", "created": f"2020-01-02T00:{number:02}:00Z"}
        for number in range(10)
    ]
    again[0] |= {"key": "NEW-900", "summary": f"{again[0]['summary']} yankee"}  # less sure than the others
    groups = [{"group": "G1", "key": "NEW-0"}, {"group": "G1", "key": "NEW-900"}]
    write(tmp_path / "said" / "apache_jira_new_bugs.csv.gz", [
        *filed, again[0], *(one | {"resolution": "Duplicate"} for one in again[1:]),
    ])  # fmt: skip
    write(tmp_path / "said" / "apache_jira_dup_groups.csv.gz", groups)
    write(tmp_path / "unsaid" / "apache_jira_new_bugs.csv.gz", [*filed, *again])
    write(tmp_path / "unsaid" / "apache_jira_dup_groups.csv.gz", groups)
    name = "recurrence.recall_at_2_false_alarms_per_100"
    said, unsaid = figures(tmp_path / "said"), figures(tmp_path / "unsaid")
    assert (said[name], unsaid[name]) == (1.0, 0.0)
    assert (said[f"{name}_closed_ones_too"], unsaid[f"{name}_closed_ones_too"]) == (0.0, 0.0)


def test_each_band_of_probabilities_is_told_with_what_people_linked(tmp_path: Path) -> None:
    write(tmp_path / "all" / "apache_jira_new_bugs.csv.gz", [*OLD, *LATER])
    write(tmp_path / "all" / "apache_jira_dup_groups.csv.gz", GROUPS)
    bands = {
        one.name: one
        for one in recurrence.measure(tmp_path / "all", None, lambda _: None)
        if "linked_where" in one.name
    }
    assert list(bands) == ["recurrence.linked_where_said_20", "recurrence.linked_where_said_30"]
    assert all(one.value == 1.0 and "1 pairs" in one.note for one in bands.values())


def test_probabilities_of_items_are_held_against_what_people_say_also_with_the_scale_of_another_app(
    tmp_path: Path,
) -> None:
    rows = [
        {
            "app": app, "user_feedback_id": f"{app}{number}", "user_feedback": f"Crash when I rotate video {number}",
            "issue_id": f"{app}-{number}-{fits}", "issue_text": text, "fitting_issue": fits,
        }
        for app in ("player", "browser")
        for number in range(8)
        for fits, text in (("true", f"Crash on rotate of video {number}"), ("false", f"Rotate the logo {number}"))
    ]  # fmt: skip
    write(tmp_path / "deepmatcher_review_to_issue.csv.gz", rows)
    found = {one.name: one for one in item.measure(tmp_path, None, lambda _: None)}
    assert found["existing_item.precision_at_1"].value == 1.0
    assert 0.0 < found["existing_item.calibration_error"].value < 1.0
    assert "scaled on the other apps alone 0." in found["existing_item.calibration_error"].note


def test_a_folder_without_such_files_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotMeasuredError, match="apache_jira"):
        figures(tmp_path)
    with pytest.raises(NotMeasuredError, match="deepmatcher"):
        item.measure(tmp_path, None, lambda _: None)


def test_the_item_that_fits_is_counted_where_it_is_first(tmp_path: Path) -> None:
    pair = {"app": "org.new", "user_feedback": "The dark mode hurts my eyes", "user_feedback_id": "1"}
    rows = [
        ("1", "Login is slow", "False"),
        ("2", "Dark mode is too bright for the eyes", "True"),
        ("3", "Crash", "False"),
    ]
    write(tmp_path / "deepmatcher_review_to_issue.csv.gz", [
        pair | {"issue_id": number, "issue_text": text, "fitting_issue": fits} for number, text, fits in rows
    ])  # fmt: skip
    found = {one.name: one.value for one in item.measure(tmp_path, None, lambda _: None)}
    assert found["existing_item.precision_at_1"] == 1.0
