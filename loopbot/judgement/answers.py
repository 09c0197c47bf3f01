"""Self-help: what is known already that answers a question, for anybody who asks. Nothing internal is among it.

Known errors with a way around them, unless people were asked who may read it and nobody released it; articles of the knowledge
bases that are open to everybody; and resolved tickets whose resolution their system shows to the people who reported them. The
chat's commands and the rules (`{known_answer}`) both ask here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

from loopbot.domain.records import Article, Incident, Problem, Record, Ref
from loopbot.domain.texts import shorten
from loopbot.domain.views import View
from loopbot.domain.wordings import Neighbourhood, Sought
from loopbot.domain.words import Kind
from loopbot.domain.workarounds import withheld
from loopbot.judgement.items import across
from loopbot.judgement.likeness import weight_of
from loopbot.judgement.passages import passage

Told = Literal["known_error", "article", "resolved"]
"""What an answer is taken from; where several fit as well, in this order."""
WRITTEN: frozenset[Kind] = frozenset({"problem", "article"})
TICKETS: frozenset[Kind] = frozenset({"incident"})
"""Looked for by themselves: of a hundred thousand tickets so many are near that no article would be among the nearest."""
LEAST = 0.3
ENOUGH = 3
"""So many people have to say that an answer did not help before it is not offered any more."""
PUBLIC_RESOLUTION = "resolution"
"""The name under which a mapping puts what a system shows to a ticket's reporter of how it was resolved."""
_WRITTEN, _TICKETS = 40, 200
"""So many candidates are looked at: what is written down is long, so that each of them costs more to compare."""
_LONGEST = 2_000
_PASSAGE = 500
"""So much of an article is quoted: it is there to be read where it stands."""
_ASKED_FOR = 0.5
"""An article that says no more than this share of what the question's first line asks for is about something else: articles are
long, so that a word in common tells little."""
_SOURCES: Mapping[str, Told] = MappingProxyType(
    {"problem": "known_error", "article": "article", "incident": "resolved"}
)
_ORDER: tuple[Told, ...] = get_args(Told)


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """Something that may help: what it says, where it stands, how probable (0..1) and why it fits the question."""

    source: Told
    ref: Ref
    title: str
    text: str
    url: str
    score: float
    because: tuple[str, ...]

    @property
    def said(self) -> str:
        """The whole of it as plain text, for where nothing but text can be shown; an article with its title and address."""
        if self.source != "article":
            return self.text
        return "\n".join(part for part in (self.title, self.text, self.url) if part)


def known_answers(view: View, question: str, most: int = 3, least: float = LEAST) -> list[KnownAnswer]:
    """What fits the question best, known errors before single tickets where both fit as well; none where nothing is sure enough."""
    it = _asked(view, question)
    near = _near(it, view)
    found: list[KnownAnswer] = []
    for one in across(it, near):
        if one.score < least or len(found) >= most:
            break
        text = _public(one.record, view, near) if _to_the_point(one.record, near) else ""
        if text and not _tried_in_vain(one.record.ref, view):
            # Whose ticket it is, and on which service, is nobody's business who asks a question.
            because = tuple(each for each in one.because if each.startswith("both mention"))
            record, source = one.record, _SOURCES[one.record.kind]
            title = "" if source == "resolved" else record.title
            found.append(
                KnownAnswer(source, record.ref, title, shorten(text, _LONGEST), record.url, one.score, because)
            )
    return sorted(found, key=lambda one: (-round(one.score, 1), _ORDER.index(one.source), -one.score))


@dataclass(frozen=True, slots=True)
class KnownAnswers:
    """Answers a record's own words, for the rules. Implements ranking.Helper."""

    def known(self, it: Record, view: View) -> str | None:
        """The text of what fits best."""
        found = known_answers(view, f"{it.title}\n{it.text}", most=1)
        return found[0].said if found else None


def _near(it: Record, view: View) -> Neighbourhood:
    """What is near and has something to say; most tickets have not, and are not compared."""
    written = view.neighbours(it, Sought(kinds=WRITTEN, limit=_WRITTEN))
    tickets = view.neighbours(it, Sought(kinds=TICKETS, limit=_TICKETS))
    found = [one for one in (*written.found, *tickets.found) if _says_something(one.record, view)]
    return replace(written, found=tuple(found))


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


def _to_the_point(record: Record, near: Neighbourhood) -> bool:
    """Whether an article says enough of what was asked for, its rare words counting most; tickets are as long as questions."""
    if not isinstance(record, Article):
        return True
    asked = frozenset(near.asked.title) or near.asked.terms
    said = next((one.wording.terms for one in near.found if one.record.ref == record.ref), frozenset[str]())
    weights = {term: weight_of(term, near) for term in asked}
    return sum(weights[term] for term in asked & said) > _ASKED_FOR * sum(weights.values())


def _says_something(record: Record, view: View) -> bool:
    """Whether it may have an answer at all, by what it is itself."""
    if isinstance(record, Article):
        return record.offered(view.now())
    if isinstance(record, Problem):
        return record.state == "known_error" and bool((record.workaround or "").strip())
    return record.state in {"resolved", "closed"} and bool(record.extra.get(PUBLIC_RESOLUTION, "").strip())


def _public(record: Record, view: View, near: Neighbourhood) -> str:
    """What anybody may read of it, where it says something; "" where there is nothing."""
    if isinstance(record, Problem):
        return "" if withheld(record, view) else (record.workaround or "").strip()
    if isinstance(record, Incident):
        return record.extra.get(PUBLIC_RESOLUTION, "").strip()
    if isinstance(record, Article):
        return passage(record.text, near, _PASSAGE) or record.title
    return ""
