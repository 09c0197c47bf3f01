"""Which service depends on which, as each system tells."""

from loopbot.store import SqlStore


def test_what_a_system_does_not_tell_any_more_goes_and_what_another_tells_stays(store: SqlStore) -> None:
    with store.write() as tx:
        tx.depend("servicenow", {"shop": ("database", "queue"), "queue": ("database",)})
        tx.depend("other", {"shop": ("mail",)})
        assert tx.depends({"shop", "queue"}) == {"database", "mail"}
    with store.write() as tx:
        tx.depend("servicenow", {"queue": ("database",)})
        assert tx.depends({"shop"}) == {"mail"}
        assert tx.depends({"queue"}) == {"database"}
        assert tx.depends({"mail", "nobody"}) == frozenset()
