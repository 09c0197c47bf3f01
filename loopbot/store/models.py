"""What people labelled, and the models learnt from it, each version kept."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from loopbot.ports import LabelRow, ModelRow
from loopbot.store import schema
from loopbot.store.codec import digest_of
from loopbot.store.work import Work

L = schema.label.c
M = schema.model.c


class SqlLabels:
    """The imported labels inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def put(self, labels: Iterable[LabelRow]) -> tuple[int, int]:
        """Keep them; a text that is there already has its latest topic. Returns how many are new, and how many changed."""
        known: dict[str, str] = {row.digest: row.topic for row in self._connection.execute(select(L.digest, L.topic))}
        wanted = {_digest(one): one for one in labels}
        new = [digest for digest in wanted if digest not in known]
        changed = [digest for digest, one in wanted.items() if digest in known and known[digest] != one.topic]
        now = self._work.now()
        for digest in (*new, *changed):
            one = wanted[digest]
            row = {"title": one.title, "text": one.text, "project": one.project, "topic": one.topic}
            rest = {**row, "source": one.source, "at": now}
            statement = self._work.insert(schema.label).values(digest=digest, **rest)
            self._connection.execute(statement.on_conflict_do_update(index_elements=[L.digest], set_=rest))
        return len(new), len(changed)

    def all(self) -> list[LabelRow]:
        """All of them, in an order that is always the same."""
        rows = self._connection.execute(select(schema.label).order_by(L.digest))
        return [LabelRow(row.title, row.text, row.topic, row.project, row.source) for row in rows]


class SqlModels:
    """The models inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def put(self, kind: str, model: ModelRow, body: str) -> None:
        """Keep a version; the same version again is the same model, learnt once more."""
        values = {"at": model.at, "labels": model.labels, "summary": model.summary, "body": body}
        statement = self._work.insert(schema.model).values(kind=kind, version=model.version, **values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=[M.kind, M.version], set_=values))

    def body(self, kind: str, version: str) -> str | None:
        """A version's content."""
        return self._connection.scalar(select(M.body).where(M.kind == kind, M.version == version))

    def all(self, kind: str) -> Sequence[ModelRow]:
        """The versions, the earliest first."""
        query = select(M.version, M.at, M.labels, M.summary).where(M.kind == kind).order_by(M.at, M.version)
        return [ModelRow(row.version, row.at, row.labels, row.summary) for row in self._connection.execute(query)]


def _digest(one: LabelRow) -> str:
    return digest_of(f"{one.project}\x1f{one.title}\x1f{one.text}".encode("utf-8", "surrogatepass"))
