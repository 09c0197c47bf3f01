"""Which tickets are the same pain, and which existing item says the same: `[repeat]` and `rank = "similar"`.

Candidates come from the index over what records say; each is compared in some twenty ways and gets a probability. The
weights were fitted on public tickets whose duplicates people had linked; docs/judgement.md says how and how well they do.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

from loopbot.domain.records import Record, Ref
from loopbot.domain.rules import Match, Repeat
from loopbot.domain.scoring import Ranked
from loopbot.domain.views import View
from loopbot.domain.wordings import Neighbour, Neighbourhood, Sought, Wording
from loopbot.domain.words import Kind
from loopbot.judgement.forms import as_filled_in
from loopbot.judgement.items import MEANT, Recall, across
from loopbot.judgement.likeness import Likeness, Measures, few_of
from loopbot.judgement.likeness_reasons import ranked
from loopbot.judgement.nearness import Memory
from loopbot.ports.encoding import Encoder

CANDIDATES = 200
ASK_AT = 0.2
"""From where on a single earlier ticket is worth a person's look."""

MOST_SAID = 50
"""So many that people linked as the same are followed from one ticket."""

JUDGEMENT = "recurrence"
SHIPPED = "recurrence.json"
AMONG_OTHERS = frozenset({"relative", "place", "lead", "still_open"})
"""What does not count for `[repeat]`: how many others are near, and whether the earlier one is open still."""


def dumped(models: Mapping[str, Likeness]) -> str:
    """Models as a file."""
    told = {name: {"base": one.base, "weights": one.weights._asdict()} for name, one in models.items()}
    return json.dumps(told, indent=1) + "\n"


def shipped(name: str) -> Likeness:
    """A model that comes with loopbot; `python -m tools.train_recurrence` makes the file."""
    text = resources.files(__package__ or "loopbot.judgement").joinpath(SHIPPED).read_text(encoding="utf-8")
    one = json.loads(text)[name]
    return Likeness(one["base"], Measures(**one["weights"]))


PAIN = shipped("pain")
"""Whether two tickets tell of the same pain, whatever else is near: many may be.

That the earlier one is still open is no part of it: what matters most is what came back after a fix.
"""

DUPLICATE = shipped("duplicate")
"""Whether a ticket says what an earlier one says: the best of those that are near, one that is open still before others."""


@lru_cache(maxsize=4)
def read_model(text: str) -> Likeness | None:
    """Weights that were learnt here; None where none were, or by another version of loopbot, on other measures."""
    try:
        found = json.loads(text)
        return Likeness(float(found["base"]), Measures(**found["weights"]))
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Recurrences:
    """Finds the tickets that are the same pain: by the weights that were learnt here, where there are some."""

    model: Likeness = PAIN

    def alike(self, it: Record, view: View, repeat: Repeat) -> Iterator[Ranked]:
        """Earlier tickets of its kind within the span that are as probably the same as the rule asks; nearest first.

        What a person linked as the same is certain. Without `alike` in the rule, what shares the service counts.
        """
        if repeat.same_service and not it.services:
            return
        services = it.services if repeat.same_service else frozenset()
        since = it.occurred_at - repeat.within
        if not repeat.alike:
            for other in view.between(it.kind, since, it.occurred_at, services):
                if other.ref != it.ref:
                    yield Ranked(other, 1.0)
            return
        said = _said_by_people(it, view)
        for ref in sorted(said):
            known = view.record(ref)
            if known is not None and known.kind == it.kind and since <= known.occurred_at <= it.occurred_at:
                yield Ranked(known, 1.0, ("a person says that it is the same",))
        sought = Sought(
            kinds=frozenset({it.kind}), services=services, since=since, until=it.occurred_at, limit=CANDIDATES
        )
        near = as_filled_in(it.text, _worth_comparing(it, view.neighbours(it, sought)))
        model = read_model(view.learnt(JUDGEMENT)) or self.model
        for one in ranked(it, near, model):
            if one.score < repeat.alike:
                return
            if not said or one.record.ref not in said:
                yield one


@dataclass(frozen=True, slots=True)
class Similars:
    """Finds the record that says the same: an open item, a known error, a ticket of the same kind.

    `encoder`: the sentence model, where there is one; between kinds what is meant counts beside the words then.
    """

    model: Likeness = DUPLICATE
    encoder: Encoder | None = None

    def rank(self, it: Record, view: View, match: Match, among: Sequence[Record] | None = None) -> Iterable[Ranked]:
        """The nearest of the kind in the span before it until now, or `among` these, each with its probability."""
        sought = Sought(kinds=frozenset({match.kind}), since=it.occurred_at - match.within, limit=CANDIDATES)
        near = view.neighbours(it, sought) if among is None else Memory(among).neighbours(it, sought)
        if match.kind == it.kind:
            return ranked(it, as_filled_in(it.text, near), self.model)
        return across(it, near, recalled(view, self.encoder))

    def concerned(self, other: Record, view: View, match: Match, kind: Kind) -> Iterable[Record]:
        """The records that are nearest to it: others it can not be the likeliest for."""
        sought = Sought(kinds=frozenset({kind}), since=other.occurred_at - match.within, limit=20)
        return [one.record for one in view.neighbours(other, sought).found]


def recalled(view: View, encoder: Encoder | None) -> Recall | None:
    """What asks for the meaning of texts, remembering through the view; None where there is no encoder that items were weighed with."""
    if encoder is None or encoder.version != MEANT.encoder:
        return None
    return lambda texts: view.meant(texts, encoder.version, encoder.encode)


def _says_too_little(near: Neighbourhood) -> bool:
    """Whether it says one word in all, and one that many say: "Problem" three times is no pattern."""
    terms = near.asked.terms
    return len(terms) < 2 and all(near.docs.get(term, 0) > few_of(near.total) for term in terms)


def _worth_comparing(it: Record, near: Neighbourhood) -> Neighbourhood:
    """The neighbours without those that tell nothing, however alike they are."""
    if _says_too_little(near):
        return replace(near, found=())
    reporter = it.reporter
    if reporter is None:
        return near
    kept = (one for one in near.found if one.reporter != reporter or not series(near.asked, one))
    return replace(near, found=tuple(kept))


def series(asked: Wording, one: Neighbour) -> bool:
    """Whether a person who said both words nearly the same about another thing: parts of one piece of work, not one pain coming back.

    Half of the shorter title is in both, and each title has a word that the other ticket says nowhere. Of two people that tells
    nothing: they word the same pain differently.
    """
    title, other = frozenset(asked.title), frozenset(one.wording.title)
    own, its = title - one.wording.terms, other - asked.terms
    return bool(own and its) and 2 * len(title & other) >= min(len(title), len(other))


def _said_by_people(it: Record, view: View) -> frozenset[Ref]:
    """What people linked with it as the same, directly or over others that they linked; never over one they took apart from it."""
    said = set(_linked_by_people(it.ref, view))
    if not said:
        return frozenset()
    apart = view.apart(it.ref) | {it.ref}
    said -= apart
    waiting = sorted(said)
    while waiting and len(said) < MOST_SAID:
        further = set(_linked_by_people(waiting.pop(0), view)) - said - apart
        latest = sorted(further, reverse=True)[
            : MOST_SAID - len(said)
        ]  # where many are linked with one: by their numbers
        said.update(latest)
        waiting.extend(latest)
    return frozenset(said)


def _linked_by_people(ref: Ref, view: View) -> Iterator[Ref]:
    for link in view.linked(ref, "duplicates"):
        if link.by.startswith("person:"):
            yield link.target if link.source == ref else link.source
