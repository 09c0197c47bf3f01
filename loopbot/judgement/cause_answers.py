"""The incidents of an installation whose cause people or systems told, and what they say of a model."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from loopbot.domain.records import Record, Ref
from loopbot.domain.rules import EVER, Match
from loopbot.domain.views import View
from loopbot.domain.words import Kind
from loopbot.judgement.cause import JUDGEMENT, gathered
from loopbot.judgement.cause_mentions import without_names
from loopbot.judgement.cause_model import CauseModel, loaded, shipped_model
from loopbot.judgement.cause_training import Sample, fit, probabilities_of, sample_of, shares_of
from loopbot.ports import Tx

LEAST = 30
"""Fewer known causes than this teach chance."""
MOST = 600
CAUSES: tuple[Kind, ...] = ("change", "deployment")


@dataclass(frozen=True, slots=True)
class Answered:
    """An incident with what is known of its cause: what it was, and what it was not; or that `nothing` here caused it."""

    incident: Record
    causes: frozenset[Ref]
    cleared: frozenset[Ref]
    nothing: bool = False


def known_causes(tx: Tx) -> list[Answered]:
    """The latest incidents of which people or their systems said what caused them, or did not; the earliest first.

    What loopbot linked itself teaches nothing, or it would believe its own echo.
    """
    yes: dict[Ref, set[Ref]] = {}
    no: dict[Ref, set[Ref]] = {}
    nothing: set[Ref] = set()
    for lesson in tx.lessons.all("cause"):
        if not lesson.other:
            nothing.add(lesson.subject)
        else:
            (yes if lesson.verdict == "yes" else no).setdefault(lesson.subject, set()).add(Ref.parse(lesson.other))
    for incident in tx.mirror.all("incident"):
        for link in tx.linked(incident.ref, "caused_by"):
            if link.source == incident.ref and not link.by.startswith("rule:"):
                yes.setdefault(incident.ref, set()).add(link.target)
    records = tx.mirror.many({*yes, *no, *nothing})
    found = [
        # Somebody found the cause after all: that is the later word.
        Answered(record, _of_kinds(yes.get(ref)), _of_kinds(no.get(ref)), ref in nothing and not yes.get(ref))
        for ref, record in records.items()
    ]
    found = [one for one in found if one.causes or one.cleared or one.nothing]
    return sorted(found, key=lambda one: (one.incident.occurred_at, one.incident.ref))[-MOST:]


def fitted(samples: Sequence[tuple[Sample, Sample]]) -> CauseModel:
    """The model that came with loopbot, moved by these (masked, unmasked) samples."""
    return fit([one for one, _ in samples], [one for _, one in samples], shipped_model())


def in_force(view: View) -> CauseModel:
    """The model by which suspects are judged now."""
    text = view.learnt(JUDGEMENT)
    return loaded(text) if text else shipped_model()


def searched(known: Sequence[Answered]) -> Match:
    """Among what causes are looked for here: records of the kinds that any of the known ones has."""
    told = {ref.kind for one in known for ref in (*one.causes, *one.cleared)}
    kinds = [kind for kind in CAUSES if kind in told] or [CAUSES[0]]
    return Match(kind=kinds[0], also=tuple(kinds[1:]), rank="suspect", within=EVER)


def samples_of(one: Answered, view: View, match: Match) -> tuple[Sample, Sample]:
    """The candidates of an incident without what it names, and with it."""
    bare = dataclasses.replace(
        one.incident, title=without_names(one.incident.title), text=without_names(one.incident.text)
    )
    unmasked = gathered(one.incident, view, match, blind=True)
    masked = unmasked if bare == one.incident else gathered(bare, view, match, blind=True)
    return (
        sample_of(masked, [each.record.ref in one.causes for each in masked.candidates], nothing=one.nothing),
        sample_of(unmasked, [each.record.ref in one.causes for each in unmasked.candidates], nothing=one.nothing),
    )


def loss(samples: Sequence[tuple[Sample, Sample]], model: CauseModel) -> float:
    """How surprising the truth is to the model (mean of squared errors over the ten likeliest candidates); 0 is best."""
    errors = []
    for _, one in samples:
        said = sorted(zip(probabilities_of(one, model), one.truths, strict=True), reverse=True)[:10]
        errors.append(sum((probability - truth) ** 2 for probability, truth in said))
    return sum(errors) / max(len(errors), 1)


def surprise(samples: Sequence[tuple[Sample, Sample]], model: CauseModel) -> dict[str, float]:
    """How surprising the truth is: how sure the model was, and where among the candidates it put the causes.

    The second counts what the first can not see: most of what is certain hangs on names, while people choose among five in their order.
    """
    # Of what the candidates have together: how likely it is that nothing caused it moves none of them past another.
    places = [
        -math.log(
            max(
                sum(share for share, truth in zip(shares, one.truths, strict=True) if truth) / (sum(shares) or 1.0),
                1e-9,
            )
        )
        for pair in samples
        for one in pair
        if any(one.truths)
        for shares in (shares_of(one.vectors, model),)
    ]
    return {"later answers": loss(samples, model), "where the causes stand": sum(places) / max(len(places), 1)}


def _of_kinds(refs: set[Ref] | None) -> frozenset[Ref]:
    return frozenset(ref for ref in refs or () if ref.kind in CAUSES)
