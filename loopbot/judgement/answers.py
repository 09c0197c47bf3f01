"""Self-help: what is known already that answers a question, for anybody who asks. Nothing internal is among it.

Known errors with a way around them, unless people were asked who may read it and nobody released it; and resolved tickets whose
resolution their system shows to the people who reported them. The chat's commands and the rules (`{known_answer}`) both ask here.
"""

from dataclasses import dataclass
from typing import Literal

from loopbot.domain.records import Incident, Problem, Record, Ref
from loopbot.domain.texts import shorten
from loopbot.domain.views import View
from loopbot.domain.wordings import Sought
from loopbot.domain.words import Kind
from loopbot.domain.workarounds import withheld
from loopbot.judgement.items import across

KINDS: frozenset[Kind] = frozenset({"problem", "incident"})
LEAST = 0.3
ENOUGH = 3
"""So many people have to say that an answer did not help before it is not offered any more."""
PUBLIC_RESOLUTION = "resolution"
"""The name under which a mapping puts what a system shows to a ticket's reporter of how it was resolved."""
_CANDIDATES = 200
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """Something that may help: what it says, where it stands, how probable (0..1) and why it fits the question."""

    source: Literal["known_error", "resolved"]
    ref: Ref
    title: str
    text: str
    url: str
    score: float
    because: tuple[str, ...]


def known_answers(view: View, question: str, most: int = 3, least: float = LEAST) -> list[KnownAnswer]:
    """What fits the question best, known errors before single tickets where both fit as well; none where nothing is sure enough."""
    it = _asked(view, question)
    near = view.neighbours(it, Sought(kinds=KINDS, limit=_CANDIDATES))
    found: list[KnownAnswer] = []
    for one in across(it, near):
        if one.score < least or len(found) >= most:
            break
        text = _public(one.record, view)
        if text and not _tried_in_vain(one.record.ref, view):
            # Whose ticket it is, and on which service, is nobody's business who asks a question.
            because = tuple(each for each in one.because if each.startswith("both mention"))
            source: Literal["known_error", "resolved"] = "known_error" if one.record.kind == "problem" else "resolved"
            record = one.record
            title = record.title if source == "known_error" else ""
            found.append(
                KnownAnswer(source, record.ref, title, shorten(text, _LONGEST), record.url, one.score, because)
            )
    return sorted(found, key=lambda one: (-round(one.score, 1), one.source, -one.score))


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """Answers a record's own words, for the rules. Implements ranking.Helper."""

    def known(self, it: Record, view: View) -> str | None:
        """The text of what fits best."""
        found = known_answers(view, f"{it.title}\n{it.text}", most=1)
        return found[0].text if found else None


def _tried_in_vain(ref: Ref, view: View) -> bool:
    """Whether it was offered often enough, and helped fewer than it did not: it is no answer then."""
    helped, did_not = view.helped(ref)
    return did_not >= ENOUGH and did_not > helped


def _asked(view: View, question: str) -> Record:
    """The question as a record: its first line is what it is about."""
    title, _, text = question.strip().partition("\n")
    return Incident(
        ref=Ref("loopbot", "incident", "question"),
        ident="question",
        title=title[:300],
        text=f"{title[300:]}\n{text}".strip(),
        state="new",
        updated_at=view.now(),
    )


def _public(record: Record, view: View) -> str:
    """What anybody may read of it; "" where there is nothing."""
    if isinstance(record, Problem):
        workaround = (record.workaround or "").strip() if record.state == "known_error" else ""
        return workaround if workaround and not withheld(record, view) else ""
    if isinstance(record, Incident) and record.state in {"resolved", "closed"}:
        return record.extra.get(PUBLIC_RESOLUTION, "").strip()
    return ""
