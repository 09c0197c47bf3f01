from pathlib import Path

import pytest
from sqlalchemy.sql.compiler import SQLCompiler

from loopbot.domain.errors import ConfigError
from loopbot.store import engines, open_store
from tests.support.schemas import Schemas

NOBODY = "postgresql+psycopg://u@127.0.0.1:1/db"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are compiled."""
    texts: list[str] = []
    compile_it = SQLCompiler.__init__

    def noted(self: SQLCompiler, *args: object, **more: object) -> None:
        compile_it(self, *args, **more)  # type: ignore[arg-type]
        texts.append(str(self))

    monkeypatch.setattr(SQLCompiler, "__init__", noted)
    monkeypatch.setattr(engines, "_known", {})
    return texts


def work_on(url: str) -> None:
    store = open_store(url)
    with store.write() as tx:
        tx.remember("account", "U1")
    with store.read() as tx:
        assert tx.recall("account") == "U1"
    with store.write() as tx:
        assert tx.recall("account") == "U1"
    store.close()


def test_what_one_store_compiled_another_of_its_kind_finds(compiled: list[str], blank: Path, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(blank.read_bytes())
    work_on(f"sqlite:///{tmp_path}/a")
    assert len(compiled) == len(set(compiled)) > 0, "the reader finds what the writer compiled"
    compiled.clear()
    work_on(f"sqlite:///{tmp_path}/b")
    assert compiled == []


def test_each_schema_of_a_server_gets_its_own_rows_by_the_same_statements(
    compiled: list[str], schemas: Schemas
) -> None:
    with schemas.lent() as first, schemas.lent() as second:
        work_on(first)
        compiled.clear()
        work_on(second)
        assert compiled == []
        store = open_store(first)
        with store.write() as tx:
            tx.remember("account", "U2")
        store.close()
        work_on(second)


def test_a_server_that_did_not_answer_leaves_nothing_for_the_next(compiled: list[str]) -> None:
    with pytest.raises(ConfigError):
        open_store(NOBODY)
    assert engines._known == {}
