"""What rules ask outright, in which words: the kind of feedback, and a problem's root cause."""

from collections.abc import Mapping
from types import MappingProxyType

from loopbot.domain.asking import called, places
from loopbot.domain.questions import Ask, Option, Question
from loopbot.domain.records import Feedback, Problem, Record
from loopbot.domain.rootcause import DIMENSIONS, evidence
from loopbot.domain.texts import shorten
from loopbot.domain.views import View
from loopbot.domain.words import TOPICS

LABELS: Mapping[str, str] = MappingProxyType(
    {"bug": "A bug", "feature": "A wish", "question": "A question", "praise": "Praise", "complaint": "A complaint"}
)
LONGEST_QUOTE = 600


def question_about(ask: Ask, rule: str, it: Record, view: View) -> Question | None:
    """The question, in its words; None where nothing is left to ask."""
    if ask.kind == "topic":
        return _topic(ask, rule, it)
    return _root_cause(ask, rule, it, view) if isinstance(it, Problem) else None


def _topic(ask: Ask, rule: str, it: Record) -> Question:
    who = it.reporter or "Somebody"
    words = shorten(it.text.strip() or it.title, LONGEST_QUOTE)
    guess = ""
    if isinstance(it, Feedback) and it.guess is not None and it.guess.confidence >= 0.5:
        guess = f"\n\nIts words suggest {LABELS[it.guess.topic].lower()}, but not for certain: {it.topic_because}."
    text = f"What kind of feedback is {called(it)}?\n\n{who} wrote:\n“{words}”{guess}"
    likely = dict(it.guess.shares) if isinstance(it, Feedback) and it.guess else {}
    topics = sorted(TOPICS, key=lambda topic: -likely.get(topic, 0.0))
    return Question(
        kind="topic",
        subject=it.ref,
        text=text,
        places=places(it),
        options=tuple(Option(topic, LABELS[topic]) for topic in topics),
        audience=ask.audience,
        rule=rule,
        service=min(it.services, default=""),
        again=ask.again,
    )


def _root_cause(ask: Ask, rule: str, it: Problem, view: View) -> Question:
    known = evidence(it, view)
    lines = [f"• {DIMENSIONS[name]}: {'; '.join(known[name]) or 'nothing known yet'}" for name in DIMENSIONS]
    text = [
        "What is the root cause of " + called(it) + "?",
        "",
        "What loopbot knows, by ITIL's four dimensions:",
        *lines,
    ]
    return Question(
        kind="root_cause",
        subject=it.ref,
        text="\n".join(text),
        places=places(it),
        options=(Option("fill", "Fill in…"), Option("not_now", "Not now")),
        audience=ask.audience,
        rule=rule,
        service=min(it.services, default=""),
        again=ask.again,
    )
