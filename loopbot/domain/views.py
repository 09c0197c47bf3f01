"""What a rule may look at."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from loopbot.domain.effects import Effect
from loopbot.domain.mirroring import Agreed
from loopbot.domain.questions import Asking, Standing
from loopbot.domain.records import Link, Person, Record, Ref
from loopbot.domain.telling import Told
from loopbot.domain.wordings import Neighbourhood, Sought, Vector
from loopbot.domain.words import Kind, Relation


class View(Protocol):
    """What a rule may look at: the mirror and the graph, at one moment."""

    def now(self) -> datetime:
        """The moment of judging, UTC."""

    def record(self, ref: Ref) -> Record | None:
        """The mirrored record."""

    def between(
        self,
        kind: Kind,
        since: datetime,
        until: datetime,
        services: frozenset[str] = frozenset(),
        limit: int | None = None,
    ) -> Sequence[Record]:
        """Records that occurred in [since, until], newest first; with `services`, those that share one of them.

        At most `limit`, the newest ones.
        """

    def called(self, keys: Collection[str]) -> Sequence[Record]:
        """Records that people call any of these, in any case, over all systems."""

    def identified(self, idents: Collection[str]) -> Sequence[Record]:
        """Records that their own systems know by these ids, over all systems."""

    def holding(self, names: Collection[str], limit: int) -> Sequence[Record]:
        """Records that brought any of these commits (the beginning of one is enough), pull requests or versions, newest first."""

    def neighbours(self, of: Record | str, sought: Sought) -> Neighbourhood:
        """Records that share telling terms with a record (itself left out) or a text, the nearest first.

        The measure is coarse and cheap: whoever needs to know how alike they are compares the wordings.
        """

    def meant(
        self, texts: Sequence[str], encoder: str, make: Callable[[Sequence[str]], Sequence[Vector]]
    ) -> Sequence[Vector]:
        """What texts mean as that version of an encoder says; `make` is asked for those that it was not asked for before."""

    def learnt(self, judgement: str) -> str:
        """The model that a judgement has learnt here and that is in use, as text; "" where it is the one it came with."""

    def depends(self, services: Collection[str]) -> frozenset[str]:
        """The services on which one of these depends, as far as a system tells; not these themselves."""

    def linked(self, ref: Ref, relation: Relation | None = None) -> Sequence[Link]:
        """Live links at either end of it. Ends may be pending refs or records not mirrored."""

    def causes(self, refs: Collection[Ref]) -> Sequence[Link]:
        """Live links that lead from any of these to what caused it."""

    def led_to(self, ref: Ref, relation: Relation) -> Collection[Ref]:
        """Where live links of that relation lead from it; only to be asked what is in it."""

    def helped(self, ref: Ref) -> tuple[int, int]:
        """How many said that what this record offers as an answer helped them, and how many that it did not."""

    def opened(self, ref: Ref) -> bool:
        """Whether loopbot opened this ticket itself."""

    def planned(self, key: str) -> Effect | None:
        """What was last planned under this identity, as far as it goes out; None where nothing was, or it was dropped."""

    def agreed(self, source: Ref, target: Ref) -> Mapping[str, Agreed]:
        """What the mirror `source` and the `target` it mirrors last agreed on, by field; none for a pair not compared yet."""

    def told(self, ref: Ref) -> Sequence[Told]:
        """What people were told about a record or are to be, in the order planned; not what was dropped."""

    def followers(self, refs: Collection[Ref]) -> Sequence[Person]:
        """Who said that they follow one of these records."""

    def said_in(self, ref: Ref) -> Ref | None:
        """The message of a chat that became this record (`system:message:channel/stamp`)."""

    def asked(self, kind: Asking, subjects: Collection[Ref]) -> Standing | None:
        """What became of the latest question of that kind about one of these records; None where there was none."""

    def refused(self, ref: Ref, relation: Relation) -> frozenset[Ref]:
        """What may not be linked with it so, from either end: a person said that it is not so, or their system took it back."""

    def apart(self, ref: Ref) -> frozenset[Ref]:
        """The records of which people said that they are not the same as this one."""

    def promoted_with(self, ref: Ref) -> frozenset[Ref]:
        """The records of which people, asked about them together with this one, said that they are one problem."""
