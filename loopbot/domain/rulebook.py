"""The rules in force, found by the kind of record they wake for and by what they demand of it."""

from collections.abc import Hashable, Iterable, Sequence

from loopbot.domain.records import Record
from loopbot.domain.rules import Rule
from loopbot.domain.words import Relation


class _Shelf:
    """The rules that wake for one kind, found by what they demand: most rules of a big desk are about one corner of it."""

    def __init__(self, kind: str, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._always: list[int] = []
        self._demanding: dict[str, dict[Hashable, list[int]]] = {}
        for place, rule in enumerate(rules):
            # Where the record may stand on the other side, or something may have to be taken back, it is not passed over.
            takes_back = rule.settle is not None or rule.asks
            other_side = rule.match is not None and kind in rule.match.kinds
            if rule.when and rule.when.demands and not takes_back and not other_side:
                name, value = rule.when.demands
                self._demanding.setdefault(name, {}).setdefault(value, []).append(place)
            else:
                self._always.append(place)

    def about(self, record: Record) -> Iterable[Rule]:
        """Those whose demand the record fulfils, and those that demand nothing, in their order."""
        places = [*self._always]
        for name, by_value in self._demanding.items():
            places += by_value.get(getattr(record, name), ())
        return [self._rules[place] for place in sorted(places)]


class Rulebook:
    """The rules in force, found by the kind of record they wake for."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rule for rule in rules if rule.mode != "off")
        self._waking: dict[str, tuple[Rule, ...]] = {
            kind: tuple(rule for rule in self.rules if kind in rule.wakes_for)
            for kind in {kind for rule in self.rules for kind in rule.wakes_for}
        }
        self._shelves = {kind: _Shelf(kind, rules) for kind, rules in self._waking.items()}
        self._named = {rule.name: rule for rule in self.rules}

    def waking_for(self, kind: str) -> tuple[Rule, ...]:
        """The rules that have to look at a change of this kind."""
        return self._waking.get(kind, ())

    def about(self, record: Record) -> Iterable[Rule]:
        """Of those that wake for its kind, the rules whose condition does not demand another value of one of its fields."""
        shelf = self._shelves.get(record.kind)
        return shelf.about(record) if shelf else ()

    def following(self, relation: Relation) -> tuple[Rule, ...]:
        """The rules whose match follows this relation: a new link concerns them."""
        return tuple(rule for rule in self.rules if rule.match and relation in rule.match.through)

    def named(self, name: str) -> Rule | None:
        """The rule of that name, if it is in force."""
        return self._named.get(name)
