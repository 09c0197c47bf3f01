"""What people did in a chat: kept once, done once, and found by others when whoever heard it is gone."""

from datetime import timedelta

from loopbot.ports import Kept
from loopbot.store import SqlStore, open_store
from loopbot.store.heard import REMEMBERED
from tests.support.clock import FakeClock


def kept(name: str, about: str = "") -> Kept:
    return Kept(name, "slack", "press", f'{{"n": "{name}\\u0000"}}', about)


def keep(store: SqlStore, one: Kept) -> bool:
    with store.write() as tx:
        return tx.heard.keep(one, 60)


def left(store: SqlStore) -> list[str]:
    with store.write() as tx:
        return [one.name for one, _ in tx.heard.left("slack", 60)]


def end(store: SqlStore, name: str, *, said_nothing: bool = False) -> bool:
    with store.write() as tx:
        return tx.heard.end(name, said_nothing=said_nothing)


def test_the_same_thing_is_kept_once_also_after_it_was_done(store: SqlStore) -> None:
    assert keep(store, kept("a"))
    assert not keep(store, kept("a"))
    assert end(store, "a")
    assert not end(store, "a")
    assert not keep(store, kept("a"))


def test_it_is_left_for_others_only_when_its_hearer_had_time_enough(store: SqlStore, clock: FakeClock) -> None:
    keep(store, kept("a", "ada:q"))
    with store.read() as tx:
        assert not tx.heard.waits("slack")
    assert left(store) == []
    clock.sleep(61)
    with store.read() as tx:
        assert tx.heard.waits("slack")
        assert not tx.heard.waits("teams")
    with store.write() as tx:
        [(one, tries)] = tx.heard.left("slack", 60)
    assert (one, tries) == (kept("a", "ada:q"), 1)
    assert left(store) == [], "it is taken"
    clock.sleep(61)
    assert left(store) == ["a"]
    assert end(store, "a")
    clock.sleep(61)
    assert left(store) == []


def test_who_knows_that_it_is_alone_finds_it_at_once_in_the_order_it_came(store: SqlStore) -> None:
    for name in ("c", "a", "b"):
        keep(store, kept(name))
    with store.write() as tx:
        tx.heard.orphan()
        assert [one.name for one, _ in tx.heard.left("slack", 60)] == ["c", "a", "b"]


def test_of_two_nodes_that_look_at_once_one_takes_it(store: SqlStore, store_url: str, clock: FakeClock) -> None:
    other = open_store(store_url, clock=clock, holder="other")
    for number in range(5):
        keep(store, kept(str(number)))
    clock.sleep(61)
    found = left(store) + left(other)
    other.close()
    assert sorted(found) == ["0", "1", "2", "3", "4"]


def test_who_spoke_again_is_taken_at_the_later_word(store: SqlStore, clock: FakeClock) -> None:
    keep(store, kept("yes", "ada:q"))
    keep(store, kept("bob's", "bob:q"))
    keep(store, kept("no", "ada:q"))
    assert end(store, "no")
    clock.sleep(61)
    assert left(store) == ["bob's"]
    assert not end(store, "yes"), "nobody does it any more"


def test_what_came_to_nothing_is_nobodys_later_word(store: SqlStore, clock: FakeClock) -> None:
    keep(store, kept("yes", "ada:q"))
    keep(store, kept("again", "ada:q"))
    assert end(store, "again", said_nothing=True)
    clock.sleep(61)
    assert left(store) == ["yes"]


def test_names_are_forgotten_when_nothing_comes_again_any_more(store: SqlStore, clock: FakeClock) -> None:
    keep(store, kept("a"))
    end(store, "a")
    clock.sleep((REMEMBERED + timedelta(minutes=1)).total_seconds())
    assert left(store) == []
    assert keep(store, kept("a"))
