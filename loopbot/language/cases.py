"""Runs a rule's cases: each is judged as in the live run, and what it asks for is compared with what is expected."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from loopbot.domain.effects import Effect, LinkTickets, OpenTicket, Tell
from loopbot.domain.judging import judge
from loopbot.domain.mirroring import Conflict
from loopbot.domain.pending import PENDING_KIND, PENDING_MARK
from loopbot.domain.ranking import PLAIN, Judgement, classified
from loopbot.domain.records import Link, Person, Ref
from loopbot.domain.rules import Plan, Rule
from loopbot.domain.texts import shorten
from loopbot.language.casefile import Case, read_cases
from loopbot.language.mistakes import Findings
from loopbot.language.suggestions import did_you_mean

_RENAMED = {"source": "from", "target": "to"}
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "open": ("system", "kind", "place", "title", "text", "type", "priority", "labels", "fields", "reporter"),
    "link": ("system", "relation", "from", "to", "confidence"),
    "comment": ("system", "on", "internal", "text"),
    "transition": ("system", "on", "to"),
    "set": ("system", "on", "fields", "keep_current"),
    "align": ("system", "on", "field", "value", "was"),
    "conflict": ("on", "field", "lost", "kept"),
    "post": ("system", "channel", "text", "keep_current", "thread"),
    "tell": ("system", "who", "about", "text", "question", "buttons", "comment_instead", "silent_after"),
    "withdraw": ("who", "rule", "thread"),
}
_EVERYWHERE = ("do", "contains", "lacks")


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went; `difference` says in words what was not as expected."""

    name: str
    passed: bool
    difference: str = ""


def run(rule: Rule, case_file: Path, judgement: Judgement = PLAIN) -> list[CaseResult]:
    """Each case of the file; what is wrong with the file itself is a failed case too."""
    where = f"{case_file.parent.parent.name}/{case_file.parent.name}/{case_file.name}"
    try:
        text = case_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [CaseResult(where, passed=False, difference=f"the file can not be read: {error}")]
    return run_text(rule, text, where, judgement)


def run_text(rule: Rule, text: str, where: str = "cases", judgement: Judgement = PLAIN) -> list[CaseResult]:
    """The same for cases that are not in a file."""
    findings = Findings(where)
    results = [_run(rule, case, judgement) for case in read_cases(text, rule, findings)]
    return results + [CaseResult(error.where, passed=False, difference=str(error)) for error in findings.errors]


def _run(rule: Rule, case: Case, judgement: Judgement) -> CaseResult:
    # A rule that sleeps is tested as if it were awake.
    awake = replace(rule, mode="live") if rule.mode == "off" else rule
    # Feedback comes to the rules as it would have come in: with what kind it seems to be.
    records = {ref: classified(one, judgement.topics) for ref, one in case.scene.records.items()}
    event = replace(case.event, record=classified(case.event.record, judgement.topics))
    plans = list(judge(awake, event, replace(case.scene, records=records), judgement))
    planned = _planned(plans)
    lines = _unknown(case.expect)
    if not lines:
        lines = _differences(case.expect, planned)
        if any(plan.asks for plan in plans) != case.asks:
            lines.append(
                "a person is not asked, and should be" if case.asks else "a person is asked, and should not be"
            )
        if lines and not planned:
            lines += _why_not(plans)
    return CaseResult(case.about, passed=not lines, difference="\n".join(lines))


def _planned(plans: Iterable[Plan]) -> list[dict[str, Any]]:
    """What the plans ask for, as one would write it down; a ticket that is yet to be opened is called new:<its kind>."""
    effects: dict[str, Effect] = {effect.key: effect for plan in plans for effect in plan.effects}
    kinds = {key: f"new:{effect.kind}" for key, effect in effects.items() if isinstance(effect, OpenTicket)}
    written = [_written(effect, kinds) for effect in effects.values()]
    remote = {(e.source, e.relation, e.target) for e in effects.values() if isinstance(e, LinkTickets)}
    only_here = dict.fromkeys(
        link for plan in plans for link in plan.links if (link.source, link.relation, link.target) not in remote
    )
    overruled = [_overruled(one) for plan in plans for pair in plan.mirrored for one in pair.conflicts]
    withdrawn = [
        {"do": "withdraw", "rule": told.rule, "who": _plain(told.person, kinds), "thread": told.thread}
        for plan in plans
        for told, _ in plan.withdraws
    ]
    return written + [_written_link(link, kinds) for link in only_here] + overruled + withdrawn


def _written(effect: Effect, kinds: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"do": effect.verb}
    for each in fields(effect):
        if each.name != "cause":
            found[_renamed(each.name, effect)] = _plain(getattr(effect, each.name), kinds)
    if effect.verb == "comment":
        found["internal"] = found.pop("audience") == "internal"
    if isinstance(effect, Tell):
        found["who"] = _plain(effect.person, kinds)
        del found["person"]
    return found


def _overruled(conflict: Conflict) -> dict[str, Any]:
    """What a conflict keeps in its log."""
    found = {"field": conflict.field, "on": str(conflict.loser), "lost": conflict.lost, "kept": conflict.kept}
    return {"do": "conflict", **found}


def _renamed(name: str, effect: Effect) -> str:
    if name == "target" and not isinstance(effect, LinkTickets):
        return "on"
    return _RENAMED.get(name, name)


def _written_link(link: Link, kinds: Mapping[str, str]) -> dict[str, Any]:
    return {
        "do": "link",
        "system": "loopbot",
        "relation": link.relation,
        "from": _plain(link.source, kinds),
        "to": _plain(link.target, kinds),
        "confidence": link.confidence,
    }


def _plain(value: Any, kinds: Mapping[str, str]) -> Any:
    if isinstance(value, Ref):
        return kinds.get(value.key, str(value)) if value.kind == PENDING_KIND else str(value)
    if isinstance(value, Person):
        return value.email or value.name or value.key
    if isinstance(value, str):
        return PENDING_MARK.sub(lambda found: kinds.get(found[1], "new"), value)
    if isinstance(value, tuple):
        plain = [_plain(each, kinds) for each in value]
        return dict(plain) if plain and all(isinstance(each, list) and len(each) == 2 for each in plain) else plain
    return value


def _unknown(expect: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = []
    for number, wanted in enumerate(expect, start=1):
        verb = str(wanted.get("do", ""))
        if verb not in _KNOWN:
            lines.append(f"expect[{number}]: `{verb}` is not something a rule can do ({did_you_mean(verb, _KNOWN)})")
            continue
        known = (*_KNOWN[verb], *_EVERYWHERE)
        lines += [
            f"expect[{number}]: `{key}` is not known of {verb} ({did_you_mean(key, known)})"
            for key in wanted
            if key not in known
        ]
    return lines


def _differences(expect: Iterable[Mapping[str, Any]], planned: list[dict[str, Any]]) -> list[str]:
    """What is missing, other than expected, or too much. The order does not matter."""
    left = list(planned)
    missing = []
    for wanted in expect:
        fit = next((made for made in left if made["do"] == wanted["do"] and not _misfits(wanted, made)), None)
        if fit is None:
            missing.append(wanted)
        else:
            left.remove(fit)
    lines = []
    for wanted in missing:
        near = min((m for m in left if m["do"] == wanted["do"]), key=lambda m: len(_misfits(wanted, m)), default=None)
        if near is None:
            lines.append(f"expected, and not asked for: {_shown(wanted)}")
        else:
            left.remove(near)
            lines += [f"{wanted['do']}: {misfit}" for misfit in _misfits(wanted, near)]
    return lines + [f"asked for, and not expected: {_shown(made)}" for made in left]


def _misfits(wanted: Mapping[str, Any], made: Mapping[str, Any]) -> list[str]:
    text = f"{made.get('title', '')}\n{made.get('text', '')}"
    lines = []
    for key, value in wanted.items():
        if key == "contains":
            lines += [
                f"the text does not contain {each!r}:\n  {made.get('text', '')}"
                for each in _each(value)
                if each not in text
            ]
        elif key == "lacks":
            lines += [f"the text contains {each!r}:\n  {made.get('text', '')}" for each in _each(value) if each in text]
        elif made.get(key) != value:
            lines.append(f"{key} should be {value!r}, and is {made.get(key)!r}")
    return lines


def _each(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _shown(made: Mapping[str, Any]) -> str:
    rest = ", ".join(
        f"{key} = {shorten(repr(value), 200)}"
        for key, value in made.items()
        if key != "do" and value not in (None, [], {})
    )
    return f"{made['do']} ({rest})"


def _why_not(plans: Iterable[Plan]) -> list[str]:
    """The steps that stopped the rule."""
    return [
        f"the rule did not act on {plan.subject.key}: {step.asked}" + (f" ({step.saw})" if step.saw else "")
        for plan in plans
        for step in plan.steps
        if not step.held
    ] or ["the rule did not look at this event at all"] * (not plans)
