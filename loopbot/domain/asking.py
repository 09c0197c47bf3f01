"""When judging asks a person instead of acting, and in which words. Pure, like the rest of judging."""

from collections.abc import Iterable, Mapping, Sequence

from loopbot.domain.questions import PROMOTE, Ask, Option, Question, Standing
from loopbot.domain.records import Record, Ref
from loopbot.domain.rules import Found, Rule
from loopbot.domain.scoring import Ranked, distance, span_in_words
from loopbot.domain.telling import moment
from loopbot.domain.texts import listed, shorten
from loopbot.domain.views import View
from loopbot.domain.words import FINISHED

MOST_LISTED = 10
LONGEST_TITLE = 120
LONGEST_BUTTON = 40
_LONGEST_IN_LIST, _LONGEST_WHY, _LONGEST_PLACE = 80, 100, 120
"""So that a question about the most that are listed is shown whole."""


def suspects(ask: Ask, rule: Rule, it: Record, ranked: Sequence[Ranked], view: View) -> Question | None:
    """Which of these (the likeliest first) it is; None where that is known, or is not to be asked now."""
    if not ranked or ask.tie is None:
        return None
    if any(view.linked(it.ref, relation) for relation in {ask.tie.relation, *ask.unless}):
        return None
    best = ranked[0].record
    lead = f"Did {called(best)} cause {called(it)}?"
    none, other = f"No {rule.match.sought if rule.match else best.kind} caused it", "Another one…"
    if ask.kind == "item":
        lead = f"Is {called(it)} the same as {called(best)}?"
        none = "None of them" if len(ranked) > 1 else f"No, it is a new {best.kind}"
    options = (
        Option(f"yes.{best.ref}", f"Yes, {_short(best)}", best.ref),
        Option(f"no.{best.ref}", f"Not {_short(best)}", best.ref),
        Option("other", other),
        Option("none", none),
    )
    lines = [f"• {called(one.record)}: {', '.join(one.because) or 'no evidence but the time'}" for one in ranked]
    rest = "What speaks for it:" if len(ranked) == 1 else "What speaks for it, and the next likely ones:"
    question = Question(
        kind=ask.kind,
        subject=it.ref,
        text="\n".join([lead, "", rest, *lines]),
        places=places(it, *(one.record for one in ranked)),
        options=options,
        audience=ask.audience,
        rule=rule.name,
        refs=tuple(one.record.ref for one in ranked),
        tie=ask.tie,
        service=min(it.services, default=""),
        again=ask.again,
    )
    return due(question, view)


def promotion(rule: Rule, it: Record, alike: Sequence[Ranked], view: View) -> tuple[Question | None, Found | None]:
    """Whether these may become one problem: the question, if a person is to be asked first, and the step that holds the rule.

    `alike` are the others, each with how sure and why. Once some of them belong to an open one, the others join it without being
    asked about.
    """
    ask = rule.ask
    members = [one.record for one in alike]
    if ask is None or not ask.first or (ask.tie and _joins(ask, (it, *members), view)):
        return None, None
    if view.promoted_with(it.ref) & {one.ref for one in members}:
        return None, None  # also where some of them have been asked about with others since
    everyone = tuple(sorted((it, *members), key=lambda one: (one.occurred_at, one.ref)))
    standing = view.asked("cluster", [one.ref for one in everyone])
    if standing is not None and standing.state == "answered" and standing.answer == PROMOTE:
        return None, None
    asked = "a person says that they are one problem"
    if standing is not None and standing.rests(view.now()):
        return None, Found(asked, held=False, saw=_resting(standing))
    founder = next((one for one in everyone if standing and one.ref == standing.subject), everyone[0])
    whys = {one.record.ref: _why(one, it) for one in alike} if rule.repeat and rule.repeat.alike else {}
    return _cluster(ask, rule, founder, everyone, _together(everyone, it, whys)), Found(
        asked, held=False, saw="it is asked"
    )


def _why(one: Ranked, it: Record) -> str:
    """How sure it is that one tells of the same as `it`, and why; when it came is told beside it."""
    reasons = [" ".join(each.split()) for each in one.because if each != distance(it, one.record)]
    if one.score >= 1.0 and reasons:  # a person's word is no estimate
        return shorten(", ".join(reasons), _LONGEST_WHY)
    return shorten(": ".join([f"{one.score:.0%}", *([", ".join(reasons)] if reasons else [])]), _LONGEST_WHY)


def _together(everyone: Sequence[Record], it: Record, whys: Mapping[Ref, str]) -> list[str]:
    """What speaks for their being one: how close they came, by how many people, and for each how sure and why."""
    span = span_in_words((everyone[-1].occurred_at - everyone[0].occurred_at).total_seconds())
    reporters = {one.reporter for one in everyone if one.reporter}
    people = f", from {len(reporters)} people" if len(reporters) > 1 else ""
    lead = f"They came within {span}{people}:"
    if whys:
        lead = f"They read alike and came within {span}{people}. In brackets: how probable it is that each is the same as {it.key}, and why."
    lines = [_listed(one, whys.get(one.ref)) for one in everyone[-MOST_LISTED:]]
    more = [f"and {len(everyone) - MOST_LISTED} earlier ones"] if len(everyone) > MOST_LISTED else []
    return [lead, *lines, *more]


def _listed(one: Record, why: str | None) -> str:
    return f"• {called(one, _LONGEST_IN_LIST)}, {moment(one.occurred_at)}" + (f" ({why})" if why else "")


def _cluster(ask: Ask, rule: Rule, founder: Record, everyone: Sequence[Record], evidence: Sequence[str]) -> Question:
    services = sorted({service for one in everyone for service in one.services})
    where = f" on {shorten(listed(services), _LONGEST_PLACE)}" if services else ""
    lead = f"Are these {len(everyone)} {founder.kind}s{where} one problem?"
    return Question(
        kind="cluster",
        subject=founder.ref,
        text="\n".join([lead, "", *evidence]),
        places=places(*everyone[-MOST_LISTED:]),
        options=(
            Option(PROMOTE, "Open a problem"),
            Option("not_now", "Not now"),
            Option("apart", "Not the same…"),
        ),
        audience=ask.audience,
        rule=rule.name,
        refs=tuple(one.ref for one in everyone[-50:]),
        tie=ask.tie,
        service=services[0] if services else "",
        again=ask.again,
        moments=tuple(one.occurred_at for one in everyone[-MOST_LISTED:]),
    )


def due(question: Question, view: View) -> Question | None:
    """The question, unless it was answered for good, or rests."""
    standing = view.asked(question.kind, [question.subject])
    rests = standing is not None and standing.about == question.about and standing.rests(view.now())
    return None if rests else question


def none_of_them(ask: Ask, it: Record, view: View) -> bool:
    """Whether a person said that there is no such other record."""
    standing = view.asked(ask.kind, [it.ref])
    return standing is not None and standing.state == "answered" and standing.answer == "none"


def _short(record: Record) -> str:
    """What a button calls it: its key, or, where that is a mere number as those of deployments are, its title."""
    title = " ".join(record.title.split())
    return shorten(title, LONGEST_BUTTON) if title and record.key.isdecimal() else record.key


def called(record: Record, longest: int = LONGEST_TITLE) -> str:
    """A record as people know it: its key, and its title in quotes."""
    title = " ".join(record.title.split())
    return f"{record.key} “{shorten(title, longest)}”" if title else record.key


def _joins(ask: Ask, members: Iterable[Record], view: View) -> bool:
    """Whether one of them belongs to something that is open (or is being opened) already."""
    if ask.tie is None:
        return False
    for one in members:
        for link in view.linked(one.ref, ask.tie.relation):
            far = view.record(link.target if link.source == one.ref else link.source)
            if far is None or far.state not in FINISHED[far.kind]:
                return True
    return False


def _resting(standing: Standing) -> str:
    said = f"answered: {standing.answer.replace('_', ' ')}" if standing.state == "answered" else standing.state
    return said + (f", asked again from {standing.rests_until:%d %b %Y}" if standing.rests_until else "")


def places(*records: Record) -> tuple[tuple[str, str], ...]:
    """Where each of them can be looked at: its key, and its address."""
    return tuple((record.key, record.url) for record in records if record.url)
