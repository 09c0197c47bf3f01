"""Files of known answers as they come: whatever is wrong with one is said with its name, and the other judgements are measured."""

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from loopbot.cli.app import app
from loopbot.judgement import evaluation
from loopbot.judgement.evaluation import JUDGEMENTS
from loopbot.judgement.evaluation.figures import NotMeasuredError
from loopbot.judgement.evaluation.files import moment_of, named, rows, rows_in

NEEDED = {
    "apache_jira_new_bugs": ("key", "created", "summary"),
    "apache_jira_changes": ("change_key", "first_commit"),
    "apache_jira_cause_pairs": ("incident_key", "cause_key"),
    "apache_jira_dup_groups": ("group", "key"),
    "nlbse24_issues": ("repo", "label", "title"),
    "deepmatcher_review_to_issue": ("user_feedback", "issue_text", "fitting_issue"),
}
READ_BY = {
    "apache_jira_new_bugs": {"cause", "recurrence"},
    "apache_jira_changes": {"cause"},
    "apache_jira_cause_pairs": {"cause"},
    "apache_jira_dup_groups": {"recurrence"},
    "nlbse24_issues": {"feedback"},
    "deepmatcher_review_to_issue": {"item"},
}


def told(name: str) -> list[dict[str, str]]:
    """A few rows of each file, with the columns that have to be there and one that nobody knows."""
    day = "2020-02-{:02}T10:00:00Z".format
    tickets = [
        {"key": f"NEW-{number}", "created": day(number), "summary": f"Export of table {number % 6} stops after NEW-50"}
        for number in range(1, 13)
    ]
    made: dict[str, list[dict[str, str]]] = {
        "apache_jira_new_bugs": tickets,
        "apache_jira_changes": [{"change_key": "NEW-50", "first_commit": day(1)}],
        "apache_jira_cause_pairs": [{"incident_key": "NEW-8", "cause_key": "NEW-50"}],
        "apache_jira_dup_groups": [{"group": "G1", "key": "NEW-2"}, {"group": "G1", "key": "NEW-8"}],
        "nlbse24_issues": [
            {"repo": f"acme/{number % 2}", "label": ("bug", "feature")[number % 3 % 2], "title": f"Say {number}"}
            for number in range(24)
        ],
        "deepmatcher_review_to_issue": [
            {"user_feedback": "The dark mode hurts", "issue_text": f"Dark mode {fits}", "fitting_issue": fits}
            for fits in ("True", "False")
        ],
    }
    return [row | {"remark": "of no use"} for row in made[name]]


def text_of(told_rows: Iterable[Mapping[str, str]], columns: Iterable[str]) -> str:
    names = list(columns)
    lines = [names, *([row[name] for name in names] for row in told_rows)]
    return "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NEEDED:
        given = told(name)
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(text_of(given, reversed(given[0])).encode()))
    return tmp_path


def measured(folder: Path) -> dict[str, str]:
    """What was not measured, and why; nothing that went wrong may be a defect."""
    said = CliRunner().invoke(app, ["evaluate", "--data", str(folder), "--json"])
    not_measured: dict[str, str] = json.loads(said.stdout)["not_measured"]
    assert not [why for why in not_measured.values() if "defect" in why]
    return not_measured


def test_what_is_not_needed_may_be_missing_and_the_order_of_the_columns_does_not_matter(folder: Path) -> None:
    assert measured(folder) == {}


@pytest.mark.parametrize(("name", "column"), [(name, column) for name, known in NEEDED.items() for column in known])
def test_a_column_that_is_missing_is_named_and_what_does_not_read_the_file_is_measured(
    folder: Path, name: str, column: str
) -> None:
    path = folder / f"{name}.csv.gz"
    given = told(name)
    path.write_bytes(gzip.compress(text_of(given, [one for one in given[0] if one != column]).encode()))
    why = measured(folder)
    assert set(why) == READ_BY[name]
    assert all(each == f"{path} has no column {column}" for each in why.values())


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "is empty"),
    "cut off": (lambda whole: whole[:-20], "can not be read"),
    "damaged": (lambda whole: whole[:14] + bytes(30) + whole[44:], "can not be read"),
    "header alone": (lambda whole: gzip.compress(gzip.decompress(whole).splitlines(keepends=True)[0]), ""),
    "no text": (lambda _: gzip.compress(bytes(range(256)) * 4), ""),
}


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_damaged_is_said_to_be_and_the_others_are_measured(folder: Path, name: str, damage: str) -> None:
    path = folder / f"{name}.csv.gz"
    does, words = DAMAGES[damage]
    path.write_bytes(does(path.read_bytes()))
    why = measured(folder)
    assert set(why) == READ_BY[name]
    assert all(words in each for each in why.values())
    assert all(path.name in each or "apache_jira" in each or str(folder) in each for each in why.values())


@pytest.mark.parametrize("name", NEEDED)
def test_whether_a_file_is_zipped_is_told_by_what_is_in_it(folder: Path, name: str) -> None:
    path = folder / f"{name}.csv.gz"
    path.write_bytes(gzip.decompress(path.read_bytes()))
    assert measured(folder) == {}
    path.write_bytes(gzip.compress(path.read_bytes()))
    path.rename(folder / f"{name}.csv")
    assert measured(folder) == {}


def test_a_row_that_is_too_short_has_empty_cells_and_one_that_is_too_long_loses_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("\ufeffkey,created,summary\nA-1\nA-2,today,Stops,twice,or more\n", encoding="utf-8")
    assert list(rows(path, ("key", "summary"))) == [
        {"key": "A-1", "created": "", "summary": ""},
        {"key": "A-2", "created": "today", "summary": "Stops"},
    ]
    assert moment_of("today") is None


def test_a_file_that_is_there_zipped_and_not_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("key\nA-1\n")
    (tmp_path / "some.csv.gz").write_bytes(gzip.compress(b"key\nA-2\n"))
    assert named(tmp_path, "so*.csv.gz") == [tmp_path / "some.csv.gz"]
    assert [row["key"] for row in rows_in(tmp_path, "some.csv.gz", ())] == ["A-2"]


def test_a_folder_in_the_place_of_a_file_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "some.csv.gz").mkdir()
    with pytest.raises(NotMeasuredError, match=r"some\.csv\.gz can not be read"):
        list(rows_in(tmp_path, "some.csv.gz", ()))


def test_a_defect_in_one_judgement_leaves_the_others_measured(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ModuleType("broken")
    module = evaluation._module
    monkeypatch.setattr(evaluation, "_module", lambda name: broken if name == "recurrence" else module(name))
    found = {one.judgement: one for one in evaluation.measure(JUDGEMENTS, folder, None, lambda _: None)}
    assert "a defect of loopbot: AttributeError" in found["recurrence"].why_not
    assert [name for name, one in found.items() if one.figures] == ["cause", "feedback", "item"]
