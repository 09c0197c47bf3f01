"""Learning what kinds of feedback there are from people's labels, and putting what was learnt in force or back out of it."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from loopbot.domain.errors import UserError
from loopbot.domain.ranking import classified
from loopbot.judgement.topic import ENOUGH, Stack, TopicJudge
from loopbot.judgement.topic_answers import known_labels, labelled
from loopbot.judgement.topic_keeping import decoded_stack, encoded_stack, encoder_of
from loopbot.judgement.topic_meaning import meant
from loopbot.judgement.topic_training import Label, Outcome, Training, crossed, macro_f1, outcomes
from loopbot.judgement.versions import SHIPPED, in_use, use
from loopbot.ports import Encoder, LabelRow, ModelRow, Tx
from loopbot.usecases.absorb import absorb
from loopbot.usecases.loop import Loop

KIND = "topic"
_PAGE = 200


class TopicShelf:
    """Hands out the judge of the version in force; a version is read from the store once, by whoever needs it first."""

    def __init__(self, shipped: TopicJudge) -> None:
        self._shipped = shipped
        self._lock = threading.Lock()
        self._held = shipped

    @property
    def encoder(self) -> Encoder | None:
        """The sentence model, where there is one."""
        return self._shipped.encoder

    def in_force(self, tx: Tx) -> TopicJudge:
        """The judge that was put in force last; the shipped one where nothing was, or what was can not be read any more."""
        wanted = in_use(tx, KIND)
        with self._lock:
            if self._held.stack.version != wanted:
                self._held = self.version(tx, wanted) or self._shipped
            return self._held

    def missing(self, tx: Tx) -> str:
        """The sentence model that the version in force was learnt with and that is not here; "" where nothing is missing."""
        version = in_use(tx, KIND)
        body = None if version == SHIPPED else tx.models.body(KIND, version)
        wanted = encoder_of(body) if body else ""
        return wanted if wanted != (self.encoder.version if self.encoder else "") else ""

    def version(self, tx: Tx, version: str) -> TopicJudge | None:
        """The judge of a version; None where there is none that this loopbot reads.

        What was learnt with the vectors of the sentence model is used where that model is, else what was learnt beside it without.
        """
        if version == SHIPPED:
            return self._shipped
        body = tx.models.body(KIND, version)
        used = self.encoder.version if self.encoder else ""
        try:
            stack = None if body is None else decoded_stack(body, self._shipped.stack, version, used)
        except (ValueError, KeyError, TypeError):
            return None
        return None if stack is None else replace(self._shipped, stack=stack)


@dataclass(frozen=True, slots=True)
class Quality:
    """How right and how sure on labels that were left out: macro F1 and the share that is right (0..1), by how many labels."""

    labels: int
    macro_f1: float
    right: float
    asked: float

    @property
    def said(self) -> str:
        """In words."""
        return f"{self.right:.0%} right, macro F1 {self.macro_f1:.2f}, {self.asked:.0%} too unsure to act on"


@dataclass(frozen=True, slots=True)
class Trained:
    """A new version, what it was learnt from, and how it does beside the shipped one on labels it had not seen."""

    version: str
    topics: Mapping[str, int]
    learnt: Quality
    shipped: Quality
    projects: tuple[str, ...] = field(default=())

    @property
    def better(self) -> bool:
        """Whether it does better than what ships."""
        return self.learnt.macro_f1 >= self.shipped.macro_f1


def train(loop: Loop, told: Callable[[str], None], *, at_once: bool | None = None) -> Trained:
    """Learn a new version from all labels, and put it in force where it does better than what ships.

    `at_once` says so outright. Raises UserError where there are too few labels.
    """
    with loop.store.read() as tx:
        rows = known_labels(tx)
    labels = labelled(rows)
    counts = Counter(one.topic for one in labels)
    if len(labels) < ENOUGH or len(counts) < 2:
        why = f"there are {len(labels)}, of {len(counts)} topic{'s' if len(counts) != 1 else ''}; {ENOUGH} of at least two are needed"
        raise UserError("labels", why, "import some: loopbot labels import FILE.csv")
    training, encoder = _training(), loop.shelf.encoder if loop.shelf else None
    read_so = _meant(labels, encoder, told) if encoder else labels
    told("measuring on labels that are left out")
    learnt = quality(crossed(training, read_so))
    shipped = quality(outcomes(Stack(training.base, training.base_temperature), labels))
    told("learning from all labels")
    said = repr(rows) + (encoder.version if encoder else "")
    digest = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    with loop.store.write() as tx:
        number = len(tx.models.all(KIND)) + 1
        known = next((one.version for one in tx.models.all(KIND) if one.version.endswith(f"-{digest}")), None)
        version = known or f"{number}-{digest}"
    stack = training.stack(labels, version)
    meant = replace(training.stack(read_so, version), encoder=encoder.version) if encoder else None
    with loop.store.write() as tx:
        summary = f"{learnt.said}, with {encoder.version}" if encoder else learnt.said
        tx.models.put(KIND, ModelRow(version, tx.now(), len(labels), summary), encoded_stack(stack, meant))
    done = Trained(version, counts, learnt, shipped, tuple(stack.projects))
    if at_once or (at_once is None and done.better):
        put_in_force(loop, version)
    return done


def put_in_force(loop: Loop, version: str) -> int:
    """Judge by this version from now on, and judge again what is mirrored; returns how much feedback reads differently now."""
    with loop.store.write() as tx:
        if not use(tx, KIND, version):
            known = ", ".join([SHIPPED, *(one.version for one in tx.models.all(KIND))])
            raise UserError(version, "is not a version of the model", f"known: {known}")
    return judged_again(loop)


def judged_again(loop: Loop) -> int:
    """Judge all mirrored feedback by the version in force, and let the rules see what reads differently; a page a transaction."""
    with loop.store.read() as tx:
        refs = [one.ref for one in tx.mirror.all("feedback")]
    changed = 0
    for start in range(0, len(refs), _PAGE):
        with loop.store.write() as tx:
            topics = loop.shelf.in_force(tx) if loop.shelf else loop.judgement.topics
            known = list(tx.mirror.many(refs[start : start + _PAGE]).values())
            again = [one for one in known if classified(one, topics, one) != one]
            changed += len(again)
            absorb(loop, tx, again)
    return changed


def _meant(labels: Sequence[Label], encoder: Encoder, told: Callable[[str], None]) -> list[Label]:
    told("reading what each text means")
    texts = meant([one.example.text for one in labels], encoder)
    return [replace(one, example=replace(one.example, text=text)) for one, text in zip(labels, texts, strict=True)]


def quality(found: Iterable[Outcome], bar: float = 0.6) -> Quality:
    """How well it went; `bar` is how sure one has to be to act."""
    every = list(found)
    right = sum(one.said == one.truth for one in every)
    unsure = sum(one.shares[one.said] < bar for one in every)
    count = max(len(every), 1)
    return Quality(len(every), macro_f1(every), right / count, unsure / count)


def evaluated(loop: Loop, rows: Sequence[LabelRow]) -> Iterator[tuple[str, Quality]]:
    """How each version does on these labels, the shipped one first."""
    labels = labelled(rows)
    with loop.store.read() as tx:
        shelf = loop.shelf
        for version in [SHIPPED, *(one.version for one in tx.models.all(KIND))]:
            judge = shelf.version(tx, version) if shelf else None
            if judge is not None:
                read_so = labels
                if judge.encoder is not None and judge.stack.encoder:
                    read_so = _meant(labels, judge.encoder, lambda _: None)
                yield version, quality(outcomes(judge.stack, read_so))


def left_out(rows: Sequence[LabelRow], encoder: Encoder | None = None) -> Iterator[tuple[str, Quality]]:
    """How what ships, and what would be learnt, do on labels that are left out; raises UserError where there are too few."""
    labels = labelled(rows)
    if len(labels) < ENOUGH or len({one.topic for one in labels}) < 2:
        raise UserError(
            "labels",
            f"there are {len(labels)}; {ENOUGH} of two topics are needed",
            "import some: loopbot labels import FILE.csv",
        )
    training = _training()
    yield SHIPPED, quality(outcomes(Stack(training.base, training.base_temperature), labels))
    yield "learnt", quality(crossed(training, labels))
    if encoder is not None:
        yield f"learnt with {encoder.version}", quality(crossed(training, _meant(labels, encoder, lambda _: None)))


def _training() -> Training:
    from loopbot.judgement.topic_shipped import shipped

    base, temperature = shipped()
    return Training(base, temperature)
