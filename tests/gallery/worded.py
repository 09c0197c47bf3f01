"""What the starter rules say, in the cases that stand beside them: their own words, each once."""

from collections.abc import Iterator
from dataclasses import replace

from connectors.slack import blocks
from loopbot.domain.effects import Effect, Post, Tell
from loopbot.domain.judging import judge
from loopbot.domain.ranking import classified
from loopbot.domain.rules import Rule
from loopbot.language.casefile import Case, read_cases
from loopbot.language.loader import load_rules
from loopbot.language.mistakes import Findings
from loopbot.wiring import shipped_judgement, starter_rules
from tests.gallery.shown import Shown, shown

_A_RULE = 3
_JUDGEMENT = shipped_judgement()


def worded() -> Iterator[Shown]:
    """Every message of every rule that tells somebody, or posts, as far as its cases bring it about."""
    for rule in load_rules(starter_rules()).rules:
        said: dict[str, Shown] = {}
        for case in _cases(rule):
            for effect in _effects(rule, case):
                said.setdefault(_shape(effect), _shown(rule, case, effect))
        yield from list(said.values())[:_A_RULE]


def _cases(rule: Rule) -> list[Case]:
    path = starter_rules() / "tests" / f"{rule.name}.toml"
    return read_cases(path.read_text(encoding="utf-8"), rule, Findings(path.name)) if path.exists() else []


def _effects(rule: Rule, case: Case) -> list[Tell | Post]:
    awake = replace(rule, mode="live")
    records = {ref: classified(one, _JUDGEMENT.topics) for ref, one in case.scene.records.items()}
    event = replace(case.event, record=classified(case.event.record, _JUDGEMENT.topics))
    plans = judge(awake, event, replace(case.scene, records=records), _JUDGEMENT)
    found: list[Effect] = [effect for plan in plans for effect in plan.effects]
    return [effect for effect in found if isinstance(effect, Tell | Post)]


def _shape(effect: Tell | Post) -> str:
    """What is said whatever it is said about: the slot of the action, and how many lines it has."""
    return f"{effect.verb}|{effect.cause.slot.split('|')[0]}|{effect.text.count(chr(10))}"


def _shown(rule: Rule, case: Case, effect: Tell | Post) -> Shown:
    if isinstance(effect, Tell):
        made = blocks.message(effect.text, key=effect.key, buttons=effect.buttons, dated=effect.dated)
        return shown(rule.name, case.about, made["blocks"], f"to {effect.person.name or effect.person.key}")
    where = "in the thread it came from" if effect.thread else f"in #{effect.channel}"
    return shown(rule.name, case.about, blocks.message(effect.text, key=effect.key)["blocks"], where)
