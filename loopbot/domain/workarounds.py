"""Sharing a problem's workaround: who gets which version, once, and who released it to the people who reported."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loopbot.domain.asking import called, due, places
from loopbot.domain.effects import Cause, Comment, Effect, Tell
from loopbot.domain.questions import Ask, Option, Question
from loopbot.domain.records import Problem, Record
from loopbot.domain.rules import Bench
from loopbot.domain.texts import shorten
from loopbot.domain.views import View

LONGEST_QUOTE = 600


@dataclass(frozen=True, slots=True)
class News:
    """What one incident gets: the version, whether it replaces an earlier one, whether its caller may read it."""

    incident: Record
    version: str
    updates: bool
    public: bool


@dataclass(frozen=True, slots=True)
class Shared:
    """What every incident gets, and what is still to be asked."""

    news: tuple[News, ...] = ()
    question: Question | None = None


def version_of(problem: Problem) -> str:
    """Which version of its workaround this is, the blanks in it not counting; "" where there is none."""
    words = " ".join((problem.workaround or "").split())
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest() if words else ""


def withheld(problem: Problem, view: View) -> bool:
    """Whether people were asked who may read its workaround, and nobody released it as it is now to whoever reported it."""
    standing = view.asked("workaround", [problem.ref])
    if standing is None:
        return False
    return (standing.about, standing.state, standing.answer) != (version_of(problem), "answered", "public")


def shared(ask: Ask, bench: Bench, problem: Problem, incidents: Iterable[Record]) -> Shared:
    """Every open incident gets the version that stands; whoever reported it, once a person released that version."""
    version = version_of(problem)
    waiting = [one for one in incidents if not one.finished]
    if not version or not waiting:
        return Shared()
    standing = bench.view.asked("workaround", [problem.ref])
    known = standing is not None and standing.about == version
    public = standing is not None and known and standing.state == "answered" and standing.answer == "public"
    changed_at = standing.asked_at if standing is not None and known else None
    former = standing is not None and (not known or standing.former)
    news = tuple(
        News(
            one,
            version,
            updates=former and (changed_at is None or one.occurred_at < changed_at),
            public=public,
        )
        for one in waiting
    )
    return Shared(news, due(_question(ask, bench.rule, problem, version, former=former), bench.view))


def effects_of(news: News, problem: Problem, bench: Bench, place: tuple[str, str]) -> Iterator[Effect]:
    """The note for the agents; and, where it is released, the comment and the message for the caller. Each version once."""
    slot, chat = place
    incident, workaround = news.incident, (problem.workaround or "").strip()

    def cause(part: str) -> Cause:
        return Cause(bench.rule, bench.subject, f"{slot}|{part}|{incident.ref}", news.version, bench.because)

    start = "The workaround has changed" if news.updates else "There is a workaround"
    internal = f"{start} ({called(problem)}):\n\n{workaround}"
    if not news.public:
        internal += "\n\nNot for customers: nobody has released it to them."
    yield Comment(system=incident.system, cause=cause("note"), target=incident.ref, text=internal)
    if not news.public:
        return
    lead = "What helps in the meantime has changed" if news.updates else "Until it is fixed, this helps"
    text = f"{lead}:\n\n{workaround}"
    yield Comment(system=incident.system, cause=cause("public"), target=incident.ref, text=text, audience="public")
    person = incident.person("reporter")
    if person is not None:
        told = f"You reported “{shorten(incident.title, 120)}”. {text}\n\n({incident.key})"
        yield Tell(system=chat, cause=cause("tell"), person=person, text=told, about=incident.ref)


def _question(ask: Ask, rule: str, problem: Problem, version: str, *, former: bool) -> Question:
    services: Sequence[str] = sorted(problem.services)
    lead = (
        f"The workaround of {called(problem)} has changed. May"
        if former
        else f"{called(problem)} has a workaround. May"
    )
    text = [
        f"{lead} the people who reported its incidents read it?",
        "",
        f"“{shorten((problem.workaround or '').strip(), LONGEST_QUOTE)}”",
        "",
        "Agents see it as an internal note in any case.",
    ]
    return Question(
        kind="workaround",
        subject=problem.ref,
        about=version,
        text="\n".join(text),
        places=places(problem),
        options=(Option("public", "Release to reporters"), Option("internal", "Only for agents")),
        audience=ask.audience,
        rule=rule,
        service=services[0] if services else "",
        again=ask.again,
    )
