"""From what somebody typed to the record that is meant, or to what may have been meant."""

from collections.abc import Sequence
from dataclasses import dataclass

from loopbot.domain.records import Record, Ref
from loopbot.ports import Tx
from loopbot.usecases.conversation.reading import Named, slips

_MOST_NEAR = 3


@dataclass(frozen=True, slots=True)
class Meant:
    """The records of that name (several where two systems call theirs alike), or else those of nearly that name."""

    typed: str
    found: tuple[Record, ...] = ()
    near: tuple[Record, ...] = ()


def meant(tx: Tx, named: Named) -> Meant:
    """Look it up: the reference, the row's id, the key in every way it is spelt, and the slips that fingers make."""
    found = _by_ref(tx, named.keys) or tx.mirror.identified(named.idents) or _first_spelling(tx, named.keys)
    if found:
        return Meant(named.typed, tuple(found))
    tried = [one for key in named.keys for one in slips(key)]
    near = tx.mirror.called(tried) if tried else []
    return Meant(named.typed, near=tuple(near[:_MOST_NEAR]) if len(near) <= _MOST_NEAR * 2 else ())


def _by_ref(tx: Tx, keys: Sequence[str]) -> list[Record]:
    for key in keys:
        if key.count(":") >= 2:
            record = tx.mirror.get(Ref.parse(key))
            if record is not None:
                return [record]
    return []


def _first_spelling(tx: Tx, keys: Sequence[str]) -> list[Record]:
    """What is called so as it was typed comes before other spellings."""
    found = tx.mirror.called(keys) if keys else []
    for key in keys:
        exact = [one for one in found if one.key.upper() == key]
        if exact:
            return exact
    return []
