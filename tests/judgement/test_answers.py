"""Self-help: only what anybody may read, and only what fits."""

from types import MappingProxyType
from typing import Any

from loopbot.domain.records import Incident, Involved, Person, Problem, Ref
from loopbot.judgement.answers import KnownAnswer, known_answers
from loopbot.store import SqlStore
from tests.support.made import at


def problem(key: str, title: str, **fields: Any) -> Problem:
    given: dict[str, Any] = {"state": "known_error", "updated_at": at(0), **fields}
    return Problem(ref=Ref("servicenow", "problem", key), ident=key, title=title, **given)


def incident(key: str, title: str, **fields: Any) -> Incident:
    given: dict[str, Any] = {"state": "closed", "updated_at": at(0), "opened_at": at(-10), **fields}
    return Incident(ref=Ref("servicenow", "incident", key), ident=key, title=title, **given)


def asked(store: SqlStore, question: str, *records: Any) -> list[KnownAnswer]:
    with store.write() as tx:
        tx.mirror.put(records)
    with store.read() as tx:
        return known_answers(tx, question)


EXPORT = problem(
    "PRB1", "CSV export times out", workaround="Export one month at a time.", text="INTERNAL: db01 is too small"
)


def test_a_known_error_with_a_way_around_it_answers(store: SqlStore) -> None:
    (one,) = asked(
        store, "Why does my CSV export time out?", EXPORT, problem("PRB2", "Toner is empty", workaround="Buy some.")
    )
    assert (one.source, one.ref.key, one.text) == ("known_error", "PRB1", "Export one month at a time.")
    assert one.score >= 0.3
    assert one.because[0].startswith("both mention")


def test_what_is_not_for_everybody_is_never_in_an_answer(store: SqlStore) -> None:
    mara = (Involved("reporter", Person("servicenow", "u1", "Mara Lind", "mara@example.com")),)
    shown = incident("INC1", "My CSV export times out (Mara)", text="my password is x", people=mara,
                     extra=MappingProxyType({"resolution": "Use the nightly export.", "close_notes": "INTERNAL"}))  # fmt: skip
    told = repr(asked(store, "CSV export times out", EXPORT, shown))
    assert "Use the nightly export." in told
    assert "Export one month" in told
    for hidden in ("INTERNAL", "Mara", "password", "db01", "mara@example.com"):
        assert hidden not in told


def test_what_is_not_released_or_has_no_answer_is_not_offered(store: SqlStore) -> None:
    found = asked(
        store,
        "CSV export times out",
        problem("PRB1", "CSV export times out", state="investigating", workaround="not released yet"),
        problem("PRB2", "CSV export times out"),
        incident("INC1", "CSV export times out", extra=MappingProxyType({"close_notes": "INTERNAL"})),
        incident("INC2", "CSV export times out", state="in_progress", extra=MappingProxyType({"resolution": "maybe"})),
    )
    assert found == []


def test_a_question_that_nothing_fits_is_not_answered(store: SqlStore) -> None:
    assert asked(store, "Where do I park my bicycle?", EXPORT) == []
    assert asked(store, "", EXPORT) == []
