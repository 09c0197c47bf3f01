"""What becomes of effects: one on its way, the proof that it is there, and what it wrote over unseen."""

from dataclasses import dataclass
from datetime import datetime

from loopbot.domain.effects import Effect
from loopbot.domain.records import Record, Ref


@dataclass(frozen=True, slots=True)
class Overruled:
    """What somebody wrote into a field in the moment between our reading and our writing, which replaced it unseen.

    `lost` is what they wrote ("": they emptied it); None where their change is known, and not what it was.
    """

    field: str
    kept: str
    lost: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an effect is on the server: what it became there (a ticket's ref, a message's channel and stamp).

    `after` is the ticket as the server answered it, where it did: the next poll then knows the echo. `overruled` is what somebody
    else wrote in the same moment. Neither is kept with it: the first goes to the mirror, the second to the conflicts.
    """

    key: str
    ref: Ref
    ident: str = ""
    url: str = ""
    note: str = ""
    after: Record | None = None
    overruled: tuple[Overruled, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """An effect on its way, every pending reference resolved.

    `records` are the mirrored records it mentions, as last seen; `receipt` is there when a message that is out already
    has to be brought up to date. For an effect whose answer was lost: it was first sent at `sent_at` (nothing of it is older),
    and by `lost_at` its last sending had begun (a while after that, nothing more of it can arrive). `also` are further
    effects that go out in the same message, `under` is the message whose thread it belongs to.
    """

    effect: Effect
    attempt: int
    records: tuple[Record, ...] = ()
    receipt: Receipt | None = None
    sent_at: datetime | None = None
    lost_at: datetime | None = None
    also: tuple[Effect, ...] = ()
    under: Receipt | None = None

    @property
    def effects(self) -> tuple[Effect, ...]:
        """Everything it holds, the one it is claimed by first."""
        return (self.effect, *self.also)

    def record(self, ref: Ref) -> Record | None:
        """The mirrored record with that ref, if the effect mentions it and loopbot has seen it."""
        return next((one for one in self.records if one.ref == ref), None)
