"""How well the cause of an incident is found, on tickets whose cause is known.

Honest in time: when a ticket is judged, the store holds nothing later than it. Without a history the model is fitted
anew for each part of time, on the known tickets before it alone (and on tickets that say outright what broke them). With
a history it is done as in an installation: the model that comes with loopbot learns from it, as from people's answers, and what
it taught judges if it does no worse on the history's later part; what the shipped model says is told beside.
"""

import dataclasses
import itertools
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from loopbot.domain.rules import Match
from loopbot.judgement.cause import JUDGEMENT, gathered
from loopbot.judgement.cause_answers import LEAST, MOST, fitted, in_force, known_causes, samples_of, searched, surprise
from loopbot.judgement.cause_features import Pool
from loopbot.judgement.cause_mentions import mentions, without_names
from loopbot.judgement.cause_model import CauseModel, shipped_model
from loopbot.judgement.cause_training import Sample, fit, sample_of
from loopbot.judgement.evaluation.archive import (
    PAIRS,
    Archive,
    Growing,
    KnownCause,
    growing_store,
    read_archive,
    with_causes,
)
from loopbot.judgement.evaluation.bars import lowest_bar
from loopbot.judgement.evaluation.cause_figures import Judged, Measurement, figures, judged, place_of
from loopbot.judgement.evaluation.figures import Advice, Figure, NotMeasuredError, Progress, as_shipped
from loopbot.judgement.trial import tried
from loopbot.judgement.versions import SHIPPED, in_use
from loopbot.ports import Tx

PARTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
EVER = Match(kind="change", rank="suspect", within=timedelta(days=20 * 365))
_QUIET = 300
NOTHING = Sample((), (), ())


def measure(data: Path, history: Path | None, progress: Progress) -> tuple[Figure, ...]:
    """The figures of `cause`."""
    archive = read_archive([history, data] if history else [data])
    known = [one for one in archive.known(with_causes(data)) if one.causes]
    if not known:
        raise NotMeasuredError(f"there is no {PAIRS} in {data} with a cause that was there before its ticket")
    blaming = outspoken(archive)
    told = [] if history else blaming
    past = taught_before(archive, known, with_causes(history)) if history else []
    quiet = unlabelled(archive, known, {one.ticket.key for one in blaming})
    with growing_store(archive) as growing:
        every = sorted([*known, *told, *past, *quiet], key=lambda one: one.ticket.occurred_at)
        seen = gather(growing, every, progress)
    labelled, outright, still = ([seen[one.ticket.key] for one in some] for some in (known, told, quiet))
    if not history:
        return figures(*rolled(labelled, outright, still, progress), seen.values())
    model, why = learnt([seen[one.ticket.key] for one in past], progress)
    found = figures(judged(labelled, model), judged(still, model), seen.values(), why)
    shipped = figures(judged(labelled, shipped_model()), judged(still, shipped_model()), seen.values())
    return (*found, *as_shipped(shipped))


def taught_before(archive: Archive, asked: Sequence[KnownCause], keys: Iterable[str]) -> list[KnownCause]:
    """Those of the tickets that an installation would learn from: the latest before the first one that is asked for."""
    first, names = asked[0].ticket.occurred_at, {one.ticket.key for one in asked}
    known = archive.known(key for key in keys if key not in names)
    return [one for one in known if one.causes and one.ticket.occurred_at < first][-MOST:]


def learnt(past: Sequence[Measurement], progress: Progress) -> tuple[CauseModel, str]:
    """What judges after a history, and why: what it taught, if that does no worse on its later part, or what ships."""
    if len(past) < LEAST:
        return shipped_model(), f"by the model that ships: the history tells {len(past)} earlier causes, {LEAST} teach"
    progress(f"cause: learning from {len(past)} tickets of the history")
    trial = tried([(one.masked, one.unmasked) for one in past], shipped_model(), fitted, surprise)
    which = f"what {len(past)} of the history taught" if trial.no_worse else "the model that ships"
    return trial.learnt if trial.no_worse else shipped_model(), f"by {which}: {trial.note}"


def from_mirror(tx: Tx, progress: Progress) -> tuple[tuple[Figure, ...], tuple[Advice, ...]]:
    """On what is mirrored: incidents whose cause people or systems told, by the model in force.

    A model that was learnt here has seen them: the last third is judged by what the others teach then.
    """
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
    learnt_here = in_use(tx, JUDGEMENT) != SHIPPED
    split = round(len(seen) * 2 / 3) if learnt_here and len(seen) >= LEAST else 0
    model = fitted([(one.masked, one.unmasked) for one in seen[:split]]) if split else in_force(tx)
    said = judged(seen[split:], model)
    return figures(said, (), seen), bars(said)


def bars(said: Sequence[Judged]) -> tuple[Advice, ...]:
    """From where on to link without asking (19 of 20 are right), and from where on to ask (half of the answers are yes)."""
    best = [(max(one.unmasked, default=0.0), place_of(one.of.unmasked.truths, one.unmasked) == 0) for one in said]
    link = lowest_bar(best, 0.95)
    if link is None:
        why = f"no bar makes 19 of 20 links right on these {len(said)} incidents: let people decide"
        advised = Advice("link_at = 1.0", why)
    else:
        above = sum(probability >= link for probability, _ in best)
        why = f"19 of 20 links above it were right; it links {above} of {len(said)} incidents"
        advised = Advice(f"link_at = {link:.2f}", why)
    asked = [(probability, right) for probability, right in best if link is None or probability < link]
    ask = lowest_bar(asked, 0.5)
    if ask is None:
        return (advised,)
    count = sum(probability >= ask for probability, _ in asked)
    why = f"half of the {count} questions between the bars would be answered yes, of incidents that have a known cause"
    return advised, Advice(f"ask_at = {ask:.2f}", why)


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
