"""What simple methods reach is told for the very cases that are measured, or not at all."""

from pathlib import Path

from loopbot.judgement.evaluation import cause, feedback, item, recurrence
from loopbot.judgement.evaluation.archive import read_archive, with_causes
from loopbot.judgement.evaluation.open_files import are_open
from loopbot.judgement.evaluation.plain import PlainIndex
from tests.judgement.test_measuring_causes import _made
from tests.judgement.test_measuring_recurrence import GROUPS, LATER, OLD, write
from tests.support.made import incident


def test_the_nearest_by_plain_words_are_those_that_share_most_of_them() -> None:
    index = PlainIndex()
    said = ["export stops", "export is slow", "the login is slow", "login page", "export of tables stops"]
    for number, title in enumerate(said, start=1):
        index.add(incident(number, number, title=title, text=""))
    near = index.nearest(incident(9, 9, title="Tables of an EXPORT, slow", text=""), 2)
    assert [ref.key for _, ref in near] == ["INC0000005", "INC0000002"]
    assert 1 >= near[0][0] > near[1][0] > 0
    same = index.nearest(incident(9, 9, title="export stops", text=""), 1)
    assert same[0][0] > 0.9
    assert index.nearest(incident(9, 9, title="nothing in common", text=""), 3) == []


def test_recurring_tickets_and_items_are_held_against_plain_words_on_the_same_cases(tmp_path: Path) -> None:
    write(tmp_path / "apache_jira_new_bugs.csv.gz", [*OLD, *LATER])
    write(tmp_path / "apache_jira_dup_groups.csv.gz", GROUPS)
    found = {one.name: one for one in recurrence.measure(tmp_path, None, lambda _: None)}
    assert found["recurrence.recall_at_1"].baseline == found["recurrence.repeat_recall_at_1"].baseline == 1.0
    assert found["recurrence.calibration_error"].baseline is None
    assert found["recurrence.milliseconds_per_ticket"].baseline is None
    pair = {"app": "new", "user_feedback": "The dark mode hurts", "user_feedback_id": "1"}
    write(tmp_path / "deepmatcher_review_to_issue.csv.gz", [
        pair | {"issue_id": "1", "issue_text": "Crash at start", "fitting_issue": "True"},
        pair | {"issue_id": "2", "issue_text": "Dark mode", "fitting_issue": "False"},
    ])  # fmt: skip
    assert {one.name: one for one in item.measure(tmp_path, None, lambda _: None)}[
        "existing_item.precision_at_1"
    ].baseline == 0.0


def test_what_was_tried_on_the_open_files_stands_beside_no_others(tmp_path: Path) -> None:
    _made(tmp_path / "all", 0, 120)
    write(tmp_path / "all" / "nlbse24_issues.csv.gz", [
        {"repo": f"acme/{number % 2}", "label": ("bug", "feature")[number % 3 % 2], "title": f"Say {number}", "body": ""}
        for number in range(24)
    ])  # fmt: skip
    found = [
        *cause.measure(tmp_path / "all", None, lambda _: None),
        *feedback.measure(tmp_path / "all", None, lambda _: None),
    ]
    assert {one.name.partition(".")[0] for one in found} == {"cause", "feedback"}
    assert [one.name for one in found if one.baseline is not None] == []


def test_the_open_files_are_known_by_what_is_in_them(shared: Path) -> None:
    data = shared / "data"
    archive = read_archive([data])
    assert are_open("cause", (one.ticket.key for one in archive.known(with_causes(data)) if one.causes))
    titles = [one.example.text.said.title for one in feedback.issues(data)]
    assert are_open("nlbse24", reversed(titles))
    assert not are_open("nlbse24", titles[1:])
