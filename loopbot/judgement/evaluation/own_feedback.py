"""How well kinds of feedback are told apart in one installation: labels, people's answers and their systems' own fields are what is known."""

from loopbot.judgement.evaluation.bars import lowest_bar
from loopbot.judgement.evaluation.feedback import backlog_error, for_backlog, kind_error, with_vectors
from loopbot.judgement.evaluation.figures import Advice, Figure, NotMeasuredError, Progress
from loopbot.judgement.topic import ENOUGH, Stack
from loopbot.judgement.topic_answers import known_labels, labelled
from loopbot.judgement.topic_shipped import shipped
from loopbot.judgement.topic_training import Outcome, Training, can_learn, crossed, macro_f1, outcomes
from loopbot.judgement.versions import SHIPPED, in_use
from loopbot.ports import Encoder, Tx


def from_mirror(tx: Tx, progress: Progress, encoder: Encoder | None) -> tuple[tuple[Figure, ...], tuple[Advice, ...]]:
    """Where a learnt model judges, each label is judged by what the other four fifths teach: it has seen them all."""
    labels = labelled(known_labels(tx))
    if not can_learn(labels):
        kinds = len({one.topic for one in labels})
        message = (
            f"{len(labels)} pieces of feedback here, of {kinds} kinds, are labelled by people or their system; "
            f"{ENOUGH} of at least two kinds are needed"
        )
        raise NotMeasuredError(message)
    progress(f"feedback: {len(labels)} labels")
    stack = Stack(*shipped())
    said, note = list(outcomes(stack, labels)), "as it ships"
    if in_use(tx, "topic") != SHIPPED:
        training = Training(stack.base, stack.base_temperature)
        said = list(crossed(training, with_vectors(labels, encoder) if encoder else labels))
        note = "each by what the others teach"
    return _figures(said, f"{len(said)} labels, {note}"), _bars(said)


def _figures(said: list[Outcome], note: str) -> tuple[Figure, ...]:
    return (
        Figure(name="feedback.macro_f1", what="macro F1, your labels", value=macro_f1(said), note=note),
        Figure(
            name="feedback.right",
            what="share of the likeliest kinds that is right",
            value=sum(one.said == one.truth for one in said) / len(said),
        ),
        Figure(name="feedback.calibration_error", what="calibration error", value=kind_error(said), better="less"),
        Figure(
            name="feedback.backlog_calibration_error",
            what="calibration error of its being for the backlog",
            value=backlog_error(said),
            better="less",
        ),
    )


def _bars(said: list[Outcome]) -> tuple[Advice, ...]:
    """From where on nine of ten that go into the backlog belong there, and nine of ten likeliest kinds are right."""
    found = []
    backlog = [for_backlog(one) for one in said]
    bar = lowest_bar(backlog, 0.9)
    if bar is not None:
        above = sum(probability >= bar for probability, _ in backlog)
        why = f"nine of ten from there on are a bug or a wish; that is {above} of {len(said)}"
        found.append(Advice(f"it.backlog_confidence >= {bar:.2f}", why))
    sure = [(one.shares[one.said], one.said == one.truth) for one in said]
    ask = lowest_bar(sure, 0.9)
    if ask is not None:
        below = sum(probability < ask for probability, _ in sure)
        why = f"nine of ten from there on are of the kind that is likeliest; people would be asked about {below} of {len(said)}"
        found.append(Advice(f"it.topic_confidence < {ask:.2f}", why))
    return tuple(found)
