"""Where questions are asked, how long they wait, and who may answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

from loopbot.domain.questions import Question

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Places:
    """What the configuration says about questions; without a channel they are listed, and asked nowhere.

    `channels` by kind of question or by audience, `services` by the service concerned, `channel` for all others. `fields`
    are a problem's own fields for the four dimensions, by dimension; without them the answer is an internal comment.
    """

    system: str = ""
    channel: str = ""
    channels: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    services: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    gather: timedelta = timedelta(seconds=30)
    remind: timedelta = timedelta(days=1)
    expire: timedelta = timedelta(days=14)
    undo: timedelta = timedelta(days=1)
    fields: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    def of(self, question: Question) -> str:
        """The channel of a question; "" where it is asked nowhere."""
        if not self.system:
            return ""
        by_kind = self.channels.get(question.kind)
        return by_kind or self.services.get(question.service) or self.channels.get(question.audience) or self.channel
