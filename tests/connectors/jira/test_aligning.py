"""Fields of a mirrored issue: written in canonical words, and only over what was known to stand there."""

from loopbot.domain.effects import Align
from loopbot.domain.errors import Rejected, Trouble
from loopbot.domain.receipts import Delivery, Receipt
from tests.connectors.jira.conftest import Make
from tests.connectors.jira.effects import cause, issue
from tests.support.jira_site import Site


def align(make: Make, site: Site, key: str, field: str, value: str, was: str) -> Receipt | Trouble:
    sink = make(site).sink()
    assert sink is not None
    effect = Align(system="jira", cause=cause(), target=issue(key), field=field, value=value, was=was)  # type: ignore[arg-type]
    return sink.apply([Delivery(effect, 1)])[0]


def test_each_field_is_written_and_the_answer_is_the_issue_as_it_is(site: Site, make: Make) -> None:
    key = site.twin.create_issue("LOOP", "The export hangs").key
    for field, value, was in (
        ("title", "The export hangs again", "The export hangs"),
        ("state", "in_progress", "todo"),
        ("priority", "1", "3"),
    ):
        done = align(make, site, key, field, value, was)
        assert isinstance(done, Receipt), done
        assert done.after is not None
        assert str(getattr(done.after, field)) == value
    kept = site.twin.issue(key)
    assert (kept.summary, kept.status, kept.priority) == ("The export hangs again", "In Progress", "1")


def test_what_somebody_changed_meanwhile_is_left_alone(site: Site, make: Make) -> None:
    key = site.twin.create_issue("LOOP", "The export hangs").key
    site.twin.add_user("ada", "Ada", "ada@example.com")
    site.twin.edit(key, {"summary": "It hangs at noon"}, actor="ada")
    site.twin.transition(key, "Done", actor="ada")
    for field, value, was in (("title", "The import hangs", "The export hangs"), ("state", "in_progress", "todo")):
        done = align(make, site, key, field, value, was)
        assert isinstance(done, Rejected), done
        assert "changed meanwhile" in done.why
    kept = site.twin.issue(key)
    assert (kept.summary, kept.status) == ("It hangs at noon", "Done")


def test_what_is_so_already_is_not_written_again(site: Site, make: Make) -> None:
    key = site.twin.create_issue("LOOP", "The export hangs").key
    done = align(make, site, key, "title", "The export hangs", "something else")
    assert isinstance(done, Receipt)
    assert not site.ledger.entries("jira", "update")


def test_a_priority_jira_has_no_name_for_is_refused_with_the_remedy(site: Site, make: Make) -> None:
    key = site.twin.create_issue("LOOP", "The export hangs").key
    sink = make(site, set_priority=False).sink()
    assert sink is not None
    effect = Align(system="jira", cause=cause(), target=issue(key), field="priority", value="1", was="3")
    (done,) = sink.apply([Delivery(effect, 1)])
    assert isinstance(done, Rejected)
    assert "set_priority" in done.hint
