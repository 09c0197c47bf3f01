"""Self-help: only what anybody may read, and only what fits."""

from types import MappingProxyType
from typing import Any

from loopbot.domain.records import Article, Incident, Involved, Person, Problem, Ref
from loopbot.judgement.answers import KnownAnswer, KnownAnswers, known_answers
from loopbot.ports import JournalEntry
from loopbot.store import SqlStore
from tests.support.made import at


def problem(key: str, title: str, **fields: Any) -> Problem:
    given: dict[str, Any] = {"state": "known_error", "updated_at": at(0), **fields}
    return Problem(ref=Ref("servicenow", "problem", key), ident=key, title=title, **given)


def incident(key: str, title: str, **fields: Any) -> Incident:
    given: dict[str, Any] = {"state": "closed", "updated_at": at(0), "opened_at": at(-10), **fields}
    return Incident(ref=Ref("servicenow", "incident", key), ident=key, title=title, **given)


def article(key: str, title: str, **fields: Any) -> Article:
    given: dict[str, Any] = {"state": "published", "updated_at": at(0), "number": key, **fields}
    return Article(ref=Ref("servicenow", "article", key), ident=key, title=title, **given)


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


VPN = article(
    "KB1",
    "Reset your VPN token",
    text="Who changes the phone needs a new token.\nOpen the portal and press Reset.",
    url="https://it.example.com/kb_view.do?sysparm_article=KB1",
)


def test_an_article_answers_with_its_title_and_where_it_stands(store: SqlStore) -> None:
    (one,) = asked(store, "How do I reset my VPN token?", VPN, article("KB2", "Printing from home", text="Add it."))
    assert (one.source, one.title, one.url) == ("article", VPN.title, VPN.url)
    assert one.said == f"{VPN.title}\n{VPN.text}\n{VPN.url}"


def test_articles_and_known_errors_are_ranked_together_and_what_is_broken_comes_first(store: SqlStore) -> None:
    records = (EXPORT, article("KB3", "CSV export times out", text="Exports of a year take long."), VPN)
    found = asked(store, "CSV export times out", *records)
    assert [one.ref.key for one in found] == ["PRB1", "KB3"]
    assert asked(store, "CSV export of a year takes long")[0].ref.key == "KB3"


def test_what_is_withdrawn_expired_or_gone_is_not_offered(store: SqlStore) -> None:
    question = "How do I reset my VPN token?"
    over = article("KB4", "Reset your VPN token", valid_until=at(-1))
    assert asked(store, question, article("KB5", "Reset your VPN token", state="withdrawn"), over) == []
    assert (
        len(asked(store, question, article("KB4", "Reset your VPN token", valid_until=at(9e6), updated_at=at(1)))) == 1
    )
    with store.write() as tx:
        tx.mirror.gone([over.ref])
    assert asked(store, question) == []


def test_an_article_that_shares_a_word_in_passing_is_no_answer(store: SqlStore) -> None:
    long = article("KB6", "Order a laptop", text="A new phone, a new token, a new badge: all in the catalogue. " * 20)
    assert asked(store, "My badge opens no door in the north wing", long, VPN) == []


def test_of_a_long_article_the_part_is_quoted_that_answers(store: SqlStore) -> None:
    text = "\n".join([*("About the history of our network." for _ in range(40)), "Press Reset to get a VPN token.", *("x" * 90 for _ in range(20))])  # fmt: skip
    (one,) = asked(store, "How do I reset my VPN token?", article("KB7", "Network and VPN tokens", text=text))
    assert one.text.startswith("Press Reset to get a VPN token.")
    assert len(one.text) <= 500
    assert one.text.endswith("…")


def test_an_article_that_helped_fewer_than_it_did_not_is_offered_no_more(store: SqlStore) -> None:
    with store.write() as tx:
        tx.mirror.put([VPN])
        tx.journal([JournalEntry(at(n), "self-help", VPN.ref, "helped: no", "said so") for n in range(3)])
    assert asked(store, "How do I reset my VPN token?") == []


def test_a_rule_gets_the_title_the_part_and_the_address_as_plain_text(store: SqlStore) -> None:
    with store.write() as tx:
        tx.mirror.put([VPN])
    with store.read() as tx:
        told = KnownAnswers().known(incident("INC7", "VPN token can not be reset", state="new"), tx)
    assert told == f"{VPN.title}\n{VPN.text}\n{VPN.url}"


def test_an_article_is_found_though_many_tickets_are_nearer(store: SqlStore) -> None:
    tickets = [incident(f"INC{n}", "VPN token can not be reset", state="new") for n in range(300)]
    long = article("KB8", VPN.title, text=f"{VPN.text}\n" + "What else there is to say of the network. " * 30)
    assert [one.ref.key for one in asked(store, "VPN token can not be reset", *tickets, long)] == ["KB8"]
