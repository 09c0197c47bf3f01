"""Articles whose stream is no longer configured are offered to nobody."""

from dataclasses import replace

from loopbot.domain.records import Article, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.judgement.answers import known_answers
from loopbot.ports import Cursor
from loopbot.store import SqlStore
from loopbot.usecases.ingest import ingest
from loopbot.usecases.loop import Loop
from loopbot.usecases.unread import let_go
from tests.support.clock import FakeClock
from tests.support.made import at, incident
from tests.support.systems import FakeSource

STREAM = "servicenow:article"
ARTICLE = Article(
    ref=Ref("servicenow", "article", "KB1-a"), ident="a", title="Reset your VPN token", text="Press Reset.", state="published", updated_at=at(0)
)  # fmt: skip


def offered(store: SqlStore) -> list[str]:
    with store.read() as tx:
        return [str(one.ref) for one in known_answers(tx, "How do I reset my VPN token?")]


def test_articles_are_offered_as_long_as_their_stream_is_configured(store: SqlStore, clock: FakeClock) -> None:
    loop = Loop(store, Rulebook(()), {}, clock, "one")
    source = FakeSource(stream=STREAM, records=[ARTICLE])
    ingest(loop, source)
    elsewhere = replace(ARTICLE, ref=Ref("wiki", "article", "7"))
    with store.write() as tx:
        tx.mirror.put([incident(1), elsewhere])
    assert let_go(loop, [STREAM, "wiki:article", "servicenow:incident"]) == 0
    assert let_go(loop, ["wiki:article", "servicenow:incident"]) == 1
    assert offered(store) == ["wiki:article:7"]
    assert let_go(loop, ["servicenow:incident"]) == 1
    assert offered(store) == []
    with store.read() as tx:
        assert tx.mirror.get(incident(1).ref) is not None
        assert tx.cursors.get(STREAM) == Cursor(), "configured again, it is read from its beginning"
    ingest(loop, source)
    assert offered(store) == [f"{STREAM}:KB1-a"]
