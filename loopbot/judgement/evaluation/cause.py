"""How well the cause of an incident is found, on tickets whose cause is known.

Honest in time: when a ticket is judged, the store holds nothing later than it. Without a history the model is fitted
anew for each part of time, on the known tickets before it alone (and on tickets that say outright what broke them); with
a history, the model that comes with loopbot is measured as it is.
"""

import dataclasses
import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from loopbot.domain.records import Record
from loopbot.domain.rules import Match
from loopbot.judgement.calibration import calibration_error
from loopbot.judgement.cause import gathered
from loopbot.judgement.cause_answers import LEAST, fitted, in_force, known_causes, samples_of, searched
from loopbot.judgement.cause_features import Pool
from loopbot.judgement.cause_mentions import mentions, without_names
from loopbot.judgement.cause_model import CauseModel, shipped_model
from loopbot.judgement.cause_training import Sample, fit, probabilities_of, sample_of
from loopbot.judgement.evaluation.archive import Archive, Growing, KnownCause, growing_store, read_archive
from loopbot.judgement.evaluation.figures import Advice, Figure, NotMeasuredError, Progress
from loopbot.ports import Tx

LINK_AT = 0.85
"""The bar of the starter rule."""
PARTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
EVER = Match(kind="change", rank="suspect", within=timedelta(days=20 * 365))
_QUIET = 300
_MISSED = 10**6
NOTHING = Sample((), (), ())
Text = Literal["masked", "unmasked"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A ticket, its candidates without what it names (where a cause is known) and with it (unless it is only learnt from).

    `seconds`: how long finding and describing them took a processor.
    """

    ticket: Record
    masked: Sample
    unmasked: Sample
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A ticket with what each candidate was said to be, and which are the cause."""

    of: Measurement
    masked: Sequence[float]
    unmasked: Sequence[float]


def measure(data: Path, history: Path | None, progress: Progress) -> tuple[Figure, ...]:
    """The figures of `cause`."""
    archive = read_archive([history, data] if history else [data])
    asked = read_archive([data]).causes if history else archive.causes
    known = [one for one in archive.known(asked) if one.causes]
    if not known:
        raise NotMeasuredError(
            "there is no apache_jira_cause_pairs.csv.gz with a cause that was there before its ticket"
        )
    told = [] if history else outspoken(archive)
    quiet = unlabelled(archive, known, {one.ticket.key for one in told})
    with growing_store(archive) as growing:
        seen = gather(growing, sorted([*known, *told, *quiet], key=lambda one: one.ticket.occurred_at), progress)
    labelled = [seen[one.ticket.key] for one in known]
    if history:
        said = judged(labelled, shipped_model())
        still = judged([seen[one.ticket.key] for one in quiet], shipped_model())
    else:
        said, still = rolled(
            labelled, [seen[one.ticket.key] for one in told], [seen[one.ticket.key] for one in quiet], progress
        )
    return figures(said, still, seen.values())


def from_mirror(tx: Tx, progress: Progress) -> tuple[tuple[Figure, ...], tuple[Advice, ...]]:
    """On what is mirrored: incidents whose cause people or systems told. The last third is judged by what the others teach."""
    known = [one for one in known_causes(tx) if one.causes]
    if len(known) < LEAST // 3:
        raise NotMeasuredError(
            f"{len(known)} incidents here have a cause that a person or their system told; {LEAST // 3} are needed to measure"
        )
    progress(f"cause: candidates of {len(known)} incidents")
    seen: list[Measurement] = []
    match = searched(known)
    for one in known:
        began = time.process_time()
        masked, unmasked = samples_of(one, tx, match)
        seen.append(Measurement(one.incident, masked, unmasked, (time.process_time() - began) / 2))
    split = round(len(seen) * 2 / 3) if len(seen) >= LEAST else 0
    model = fitted([(one.masked, one.unmasked) for one in seen[:split]]) if split else in_force(tx)
    said = judged(seen[split:], model)
    return figures(said, (), seen), (_bar(said),)


def _bar(said: Sequence[Judged]) -> Advice:
    """The lowest bar above which 19 of 20 links would have been right."""
    tops = sorted(
        ((max(one.unmasked, default=0.0), place_of(one.of.unmasked.truths, one.unmasked) == 0) for one in said),
        reverse=True,
    )
    best, right = 1.0, 0
    for count, (probability, true) in enumerate(tops, start=1):
        right += true
        if right / count >= 0.95 and count >= min(10, len(tops)):
            best = probability
    if best == 1.0:
        return Advice(
            "link_at = 1.0", f"no bar makes 19 of 20 links right on these {len(said)} incidents: let people decide"
        )
    above = sum(probability >= best for probability, _ in tops)
    return Advice(
        f"link_at = {best:.2f}", f"19 of 20 links above it were right; it links {above} of {len(said)} incidents"
    )


def outspoken(archive: Archive) -> list[KnownCause]:
    """Tickets of which nobody recorded the cause, but whose own words blame a change."""
    found = []
    for key, ticket in archive.tickets.items():
        if key in archive.causes:
            continue
        blamed = frozenset(
            archive.changes[name.upper()].ref
            for name, one in mentions(ticket.title, ticket.text).items()
            if one.blamed
            and not one.cleared
            and name.upper() in archive.changes
            and name.upper() != key
            and archive.changes[name.upper()].occurred_at < ticket.occurred_at
        )
        if blamed:
            found.append(KnownCause(ticket, blamed, outspoken=True))
    return found


def unlabelled(archive: Archive, known: Sequence[KnownCause], told: set[str]) -> list[KnownCause]:
    """A few hundred tickets without a known cause, spread evenly over the time of the known ones."""
    first, last = known[0].ticket.occurred_at, known[-1].ticket.occurred_at
    others = sorted(
        (
            one
            for key, one in archive.tickets.items()
            if key not in archive.causes and key not in told and first <= one.occurred_at <= last
        ),
        key=lambda one: (one.occurred_at, one.ref),
    )
    step = max(len(others) // _QUIET, 1)
    return [KnownCause(one, frozenset()) for one in others[::step][:_QUIET]]


def gather(growing: Growing, tickets: Sequence[KnownCause], progress: Progress) -> dict[str, Measurement]:
    """The candidates of each ticket, from what was there before it."""
    found: dict[str, Measurement] = {}
    for number, one in enumerate(tickets):
        if number % 100 == 0:
            progress(f"cause: candidates of ticket {number + 1} of {len(tickets)}")
        growing.until(one.ticket.occurred_at)
        labelled, told = bool(one.causes), one.outspoken
        with growing.store.read() as tx:
            masked, unmasked, seconds = NOTHING, NOTHING, 0.0
            if not told:
                began = time.process_time()
                unmasked = _sample(gathered(one.ticket, tx, EVER), one)
                seconds = time.process_time() - began
            if labelled:
                bare = dataclasses.replace(
                    one.ticket, title=without_names(one.ticket.title), text=without_names(one.ticket.text)
                )
                # Of a ticket that names nothing there is nothing to take out.
                same = not told and bare == one.ticket
                masked = unmasked if same else _sample(gathered(bare, tx, EVER), one)
        found[one.ticket.key] = Measurement(one.ticket, masked, unmasked, seconds)
    return found


def _sample(pool: Pool, known: KnownCause) -> Sample:
    return sample_of(pool, [one.record.ref in known.causes for one in pool.candidates])


def judged(tickets: Iterable[Measurement], model: CauseModel) -> list[Judged]:
    """What a model says."""
    return [Judged(one, probabilities_of(one.masked, model), probabilities_of(one.unmasked, model)) for one in tickets]


def rolled(
    labelled: Sequence[Measurement], told: Sequence[Measurement], quiet: Sequence[Measurement], progress: Progress
) -> tuple[list[Judged], list[Judged]]:
    """Each part of time, judged by a model fitted on what was known before it."""
    said, still = [], []
    for start, end in itertools.pairwise(round(part * len(labelled)) for part in PARTS):
        if end == start:
            continue
        began = labelled[start].ticket.occurred_at
        until = labelled[end].ticket.occurred_at if end < len(labelled) else None
        before = [*labelled[:start], *(one for one in told if one.ticket.occurred_at < began)]
        progress(f"cause: learning from {len(before)} earlier tickets")
        model = fit([one.masked for one in before], [one.unmasked for one in labelled[:start]])
        said += judged(labelled[start:end], model)
        still += judged(
            (
                one
                for one in quiet
                if one.ticket.occurred_at >= began and (until is None or one.ticket.occurred_at < until)
            ),
            model,
        )
    return said, still


def place_of(truths: Sequence[bool], probabilities: Sequence[float]) -> int:
    """The place (0 is the first) of the first true one; very far where it is no candidate."""
    order = sorted(range(len(truths)), key=lambda place: -probabilities[place])
    return next((place for place, index in enumerate(order) if truths[index]), _MISSED)


def figures(said: Sequence[Judged], still: Sequence[Judged], seen: Iterable[Measurement]) -> tuple[Figure, ...]:
    """The table's lines."""
    found = []
    simple = {
        ("masked", 1): 0.163,
        ("masked", 5): 0.333,
        ("masked", 10): 0.389,
        ("unmasked", 1): 0.468,
        ("unmasked", 5): 0.578,
        ("unmasked", 10): 0.602,
    }
    goals = {("masked", 5): (0.57, 0.65), ("unmasked", 5): (0.70, 0.78)}
    for text in ("masked", "unmasked"):
        places = [place_of(getattr(one.of, text).truths, getattr(one, text)) for one in said]
        for most in (1, 5, 10):
            goal, aim = goals.get((text, most), (None, None))
            found.append(
                Figure(
                    name=f"cause.recall_at_{most}_{text}",
                    what=f"recall at {most}, {text}",
                    value=share(place < most for place in places),
                    baseline=simple[text, most],
                    goal=goal,
                    aim=aim,
                    note=f"{len(said)} tickets" if most == 1 else "",
                )
            )
    linked = [
        (place_of(one.of.unmasked.truths, one.unmasked) == 0)
        for one in said
        if max(one.unmasked, default=0.0) >= LINK_AT
    ]
    alarms = [one for one in still if max(one.unmasked, default=0.0) >= LINK_AT]
    pairs = [
        pair
        for one in said
        for text in ("masked", "unmasked")
        for pair in _foremost(getattr(one.of, text), getattr(one, text))
    ]
    times = sorted(one.seconds * 1000 for one in seen if one.seconds)
    found += [
        Figure(
            name="cause.precision_at_bar",
            what=f"links made alone (p >= {LINK_AT}): precision",
            value=share(linked),
            goal=0.95,
            note=f"{len(linked)} links",
        ),
        Figure(
            name="cause.recall_at_bar",
            what="links made alone: share of the tickets rightly linked",
            value=sum(linked) / len(said),
            goal=0.38,
            aim=0.45,
        ),
        Figure(
            name="cause.links_per_100_unlabelled",
            what="links made alone in 100 tickets of which nobody recorded a cause",
            value=100 * len(alarms) / max(len(still), 1),
            better="less",
            note="most of them name it: read by hand",
        ),
        Figure(
            name="cause.calibration_error",
            what="calibration error",
            value=calibration_error([p for p, _ in pairs], [t for _, t in pairs]),
            goal=0.08,
            aim=0.05,
            better="less",
        ),
        Figure(
            name="cause.milliseconds_per_ticket",
            what="finding and judging the candidates of a ticket",
            value=times[len(times) // 2],
            unit="ms",
            better="less",
            note=f"the slowest twentieth {times[-(len(times) // 20 + 1)]:.0f} ms",
        ),
    ]
    return tuple(found)


def _foremost(sample: Sample, probabilities: Sequence[float]) -> list[tuple[float, bool]]:
    """The five that a person is shown."""
    order = sorted(range(len(probabilities)), key=lambda place: -probabilities[place])[:5]
    return [(probabilities[place], sample.truths[place]) for place in order]


def share(held: Iterable[bool]) -> float:
    """The share of those that hold; 0 of none."""
    every = list(held)
    return sum(every) / len(every) if every else 0.0
