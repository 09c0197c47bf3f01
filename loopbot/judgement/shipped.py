"""The judgements as they come with loopbot: each module's frozen model, put into one bundle."""

from loopbot.domain.ranking import Judgement


def shipped_judgement() -> Judgement:
    """The bundle that judging uses where nothing was learnt from people's answers yet."""
    return Judgement()
