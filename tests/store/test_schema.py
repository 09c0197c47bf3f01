import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from loopbot.domain.errors import ConfigError
from loopbot.domain.holdings import held_by
from loopbot.store import open_store
from loopbot.store.schema import REVISIONS, SEARCH, metadata
from loopbot.store.upgrade import MIGRATIONS

BEFORE_REPORTERS = "0005"
BEFORE_ONE_PLACE = "0012"
BEFORE_RECORD_NAMES = "0015"


def _known(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    """The search index is made by a statement of each database's own, which the metadata sends too."""
    return not (name or "").startswith(SEARCH)


HOW = {"compare_type": True, "compare_server_default": True, "include_object": _known}
INDEXES = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL",
    "postgresql": "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()",
}


def definitions(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        found = connection.scalars(text(INDEXES[engine.dialect.name])).all()
    return sorted(re.sub(r"loopbot_test_\w+", "schema", _in_order(re.sub(r"\s+", " ", each))) for each in found)


def numbers(engine: Engine) -> list[str]:
    """The migrations that a database says it went through."""
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _in_order(definition: str) -> str:
    """Of a table, with its columns and constraints in one order: SQLite writes a column that was added later behind them."""
    head, _, body = definition.partition(" (")
    if not head.startswith("CREATE TABLE"):
        return definition
    parts = re.split(r",\s*(?![^()]*\))", body.strip().removesuffix(")"))
    return f"{head} ({', '.join(sorted(part.strip() for part in parts))})"


def migrated(engine: Engine, to: str) -> None:
    """Through one migration after the other, as a database that was there before them."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def test_the_migrations_build_what_the_code_describes(empty_url: str) -> None:
    engine = create_engine(empty_url)
    migrated(engine, "head")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=HOW)
        assert compare_metadata(context, metadata) == []
    by_migrations = definitions(engine), numbers(engine)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    open_store(empty_url).close()
    assert by_migrations == (definitions(engine), numbers(engine)), "a new database is made at once, and the same"
    engine.dispose()


def test_an_empty_database_is_made_without_alembic(tmp_path: Path) -> None:
    seen = f"""
import sys
from loopbot.store import open_store
open_store("sqlite:///{tmp_path}/loopbot.db").close()
print(*(one for one in sys.modules if "alembic" in one))
"""
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_database_of_something_else_is_not_written_over(empty_url: str) -> None:
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE record (theirs TEXT)"))
    with pytest.raises(OperationalError, match="table record already exists"):
        open_store(empty_url)
    assert inspect(engine).get_table_names() == ["record"]
    engine.dispose()


def test_every_migration_is_known_to_the_code() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == REVISIONS


def test_a_database_of_a_newer_loopbot_is_refused_and_left_alone(empty_url: str) -> None:
    open_store(empty_url).close()
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="its schema is 9999") as refused:
        open_store(empty_url)
    assert "newer loopbot" in refused.value.hint
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    engine.dispose()


def test_opening_again_keeps_what_is_there(empty_url: str) -> None:
    first = open_store(empty_url)
    with first.write() as tx:
        tx.remember("account", "U1")
    first.close()
    second = open_store(empty_url)
    with second.read() as tx:
        assert tx.recall("account") == "U1"
    second.close()


def test_an_older_unfinished_database_is_migrated(empty_url: str) -> None:
    open_store(empty_url).close()
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DELETE FROM alembic_version"))
    open_store(empty_url).close()
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "mysql://root:hush@host/db", "sqlite://", "sqlite:///:memory:", "postgresql+nothing://u:hush@h/d"],
)
def test_a_url_that_is_no_store_is_refused_with_the_two_that_are(url: str) -> None:
    with pytest.raises(ConfigError, match=r"sqlite:///path/to/loopbot.db or postgresql") as refused:
        open_store(url)
    assert "hush" not in str(refused.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unable to open database file .*look whether the folder exists"):
        open_store(f"sqlite:///{tmp_path}/no/such/folder.db")


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n" * 1000)
    with pytest.raises(ConfigError, match="not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_text() == "my notes\n" * 1000


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(ConfigError, match="look whether the server runs") as refused:
        open_store("postgresql+psycopg://u:hush@127.0.0.1:1/db")
    assert "hush" not in str(refused.value)


def test_records_of_an_older_database_are_found_by_who_reported_them(empty_url: str) -> None:
    engine = create_engine(empty_url)
    body = '{"people":[{"role":"reporter","person":{"system":"servicenow","key":"u1","email":"Mara@Example.com"}}]}'
    row = {"system": "servicenow", "kind": "incident", "called": "inc1", "ident": "", "state": "new", "body": body}
    insert = "INSERT INTO record (system, kind, key, called, ident, state, updated_at, occurred_at, body, digest)"
    insert += " VALUES (:system, :kind, :key, :called, :ident, :state, 1, 1, :body, '')"
    migrated(engine, BEFORE_REPORTERS)
    with engine.begin() as connection:
        connection.execute(text(insert), [row | {"key": "INC1"}, row | {"key": "INC2", "body": "{}"}])
    store = open_store(empty_url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT key, reporter FROM record ORDER BY key")).all()
    assert [tuple(one) for one in found] == [("INC1", "mara@example.com"), ("INC2", None)]
    store.close()
    engine.dispose()


def test_deployments_of_an_older_database_are_found_by_their_commits_and_versions(empty_url: str) -> None:
    engine = create_engine(empty_url)
    row = {"system": "github", "called": "", "ident": "", "state": "succeeded"}
    told = {"ident": "", "state": "", "title": "shop/web to production"}
    bodies = {
        ("deployment", "1"): {**told, "commit": "4f2a9bc0d1e2f3a4b5c6d7e8", "extra": {"ref": "v2.7.1"}},
        ("change", "2"): {**told, "title": "Deploy checkout 3.0.2, with OAuth 2.0"},
        ("incident", "3"): {**told, "title": "Broken since v2.7.1"},
    }
    insert = "INSERT INTO record (system, kind, key, called, ident, state, updated_at, occurred_at, body, digest)"
    insert += " VALUES (:system, :kind, :key, :called, :ident, :state, 1, 1, :body, '')"
    migrated(engine, BEFORE_RECORD_NAMES)
    with engine.begin() as connection:
        rows = [row | {"kind": kind, "key": key, "body": json.dumps(body)} for (kind, key), body in bodies.items()]
        connection.execute(text(insert), rows)
    store = open_store(empty_url)
    with store.read() as tx:
        found = [[one.key for one in tx.holding([name], 9)] for name in ("4f2a9bc", "2.7.1", "3.0.2", "2.0")]
        written = {one.key: held_by(one) for one in tx.mirror.all()}
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT key, name FROM record_name")).all()
    assert found == [["1"], ["1"], ["2"], []]
    assert {key: {name for of, name in kept if of == key} for key in written} == written, "as they are written today"
    store.close()
    engine.dispose()


def test_models_that_an_older_database_kept_as_facts_are_found_where_all_models_are(empty_url: str) -> None:
    engine = create_engine(empty_url)
    kept = '[{"version": "abcd", "at": "2026-03-02T09:00:00+00:00", "answers": 41, "note": "surprise .2"}]'
    facts = {
        "judgement:cause:versions": kept,
        "judgement:cause:model:abcd": "the model",
        "judgement:cause:model": "the model",
        "judgement:cause:version": "abcd",
        "topic model in force": "1-beef",
        "something else": "stays",
    }
    migrated(engine, BEFORE_ONE_PLACE)
    with engine.begin() as connection:
        for name, value in facts.items():
            connection.execute(text("INSERT INTO fact (name, value) VALUES (:n, :v)"), {"n": name, "v": value})
    store = open_store(empty_url)
    with store.read() as tx:
        (row,) = tx.models.all("cause")
        assert (row.version, row.at.isoformat(), row.labels, row.summary) == (
            "abcd",
            "2026-03-02T09:00:00+00:00",
            41,
            "surprise .2",
        )
        assert tx.learnt("cause") == "the model"
        assert tx.recall("judgement:topic:version") == "1-beef"
        assert tx.recall("something else") == "stays"
        assert tx.recall("judgement:cause:versions") is None
    store.close()
    engine.dispose()


def test_a_store_on_sqlite_loads_neither_the_dialect_of_postgres_nor_alembic() -> None:
    seen = "import sys, loopbot.store; print(*(one for one in sys.modules if 'postgresql' in one or 'alembic' in one))"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert done.stdout.strip() == ""
