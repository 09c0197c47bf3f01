"""Where the nodes of a fleet meet to share calls, and where one that is alone keeps what it spent: the store."""

from dataclasses import dataclass

from loopbot.domain.errors import StoreTrouble
from loopbot.ports import Allotment, Store, Word


@dataclass(frozen=True, slots=True)
class StoreAllotments:
    """One node's way to it. Implements ports.Allotments."""

    store: Store
    holder: str

    @property
    def shared(self) -> bool:
        """Whether there may be other nodes."""
        return self.store.shared

    def exchange(self, system: str, word: Word) -> Allotment:
        """Tell and ask, in a transaction of its own. Raises StoreTrouble."""
        try:
            with self.store.write() as tx:
                return tx.allotments.exchange(system, self.holder, word)
        except StoreTrouble:
            raise
        except Exception as error:
            # Whatever the database has to say: whoever waits for a call comes back to it.
            raise StoreTrouble("store", f"can not be asked: {type(error).__name__}") from error
