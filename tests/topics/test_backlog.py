"""`loopbot backlog`, as somebody reads it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loopbot.cli.ordering import show_backlog
from loopbot.domain.errors import UserError
from loopbot.domain.records import Incident, Involved, Issue, Link, Person, Ref
from loopbot.store import open_store

NOW = datetime.now(UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    path = tmp_path / "config.toml"
    path.write_text('[loopbot]\nstore = "sqlite:///loopbot.db"\n[priority]\nage = 0\n', encoding="utf-8")
    store = open_store(f"sqlite:///{tmp_path / 'loopbot.db'}")
    ann = Involved("reporter", Person("servicenow", "u1", "Ann Lee", "ann@acme.example"))
    hit = Incident(
        ref=Ref("servicenow", "incident", "INC1"),
        ident="i1",
        title="Export hangs",
        state="new",
        updated_at=NOW,
        opened_at=NOW - timedelta(days=2),
        priority=1,
        people=(ann,),
    )
    items = [
        Issue(ref=Ref("jira", "issue", key), ident=key, title=title, state=state, updated_at=NOW, opened_at=NOW)
        for key, title, state in (("L-1", "Small", "todo"), ("L-2", "Big", "todo"), ("L-3", "Over", "done"))
    ]
    with store.write() as tx:
        tx.mirror.put([hit, *items])
        tx.links.put([Link(items[1].ref, "fixes", hit.ref, by="person:ann")])
    store.close()
    return path


def test_what_matters_most_comes_first_and_what_is_done_is_not_listed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_backlog(config, "", 10, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)

    assert [one["record"] for one in found] == ["jira:issue:L-2", "jira:issue:L-1"]
    assert found[0]["reporters"] == ["Ann Lee"]
    assert found[0]["because"][0] == "priority 1 at worst (+22)"
    assert found[1]["weight"] == 0.0


def test_the_list_says_why_in_words_and_what_it_leaves_out(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")  # a narrow terminal breaks sentences over lines
    show_backlog(config, "issue", 1, as_json=False)
    told = capsys.readouterr().out

    assert "Big" in told
    assert "1 person" in told
    assert "1 more; --limit shows them." in told
    with pytest.raises(UserError, match="known: problem, issue"):
        show_backlog(config, "change", 1, as_json=False)
