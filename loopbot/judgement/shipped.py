"""The judgements as they come with loopbot: each module's frozen model, put into one bundle."""

from collections.abc import Mapping

from loopbot.domain.ranking import Judgement
from loopbot.judgement.answers import KnownAnswers
from loopbot.judgement.cause import Suspects
from loopbot.judgement.priority import Priority
from loopbot.judgement.recurrence import Recurrences, Similars
from loopbot.judgement.topic import Stack, TopicJudge
from loopbot.judgement.topic_shipped import shipped
from loopbot.ports.encoding import Encoder

NO_WORDS: Mapping[str, str] = {}


def shipped_judgement(
    topic_words: Mapping[str, str] = NO_WORDS, weigher: Priority | None = None, encoder: Encoder | None = None
) -> Judgement:
    """The bundle that judging uses where nothing was learnt from people's answers yet.

    `topic_words`: labels that say outright what kind of feedback something is; `weigher`: how much each part of a priority counts;
    `encoder`: the sentence model, where there is one.
    """
    return Judgement(
        suspect=Suspects(),
        similar=Similars(encoder=encoder),
        repeats=Recurrences(),
        topics=shipped_topics(topic_words, encoder),
        weigher=weigher or Priority(),
        helper=KnownAnswers(),
    )


def shipped_topics(words: Mapping[str, str] = NO_WORDS, encoder: Encoder | None = None) -> TopicJudge:
    """What kind of feedback something is, by the hand-written signs alone; what is learnt later may read the encoder's vectors."""
    model, temperature = shipped()
    return TopicJudge(Stack(model, temperature), words, encoder)
