"""`loopbot rules`: check the files, run their cases, print their schema."""

import dataclasses
from pathlib import Path

from loopbot.cli.failures import DONE, MISTAKE, TROUBLE, told
from loopbot.cli.opening import console
from loopbot.domain.errors import UserError
from loopbot.domain.phrasing import counted


def check_folder(config: Path, folder: Path | None) -> int:
    """Tell every mistake in the rule files."""
    from loopbot.wiring import check_rules

    place, systems = _place(config, folder)
    rules, errors = check_rules(place, systems)
    for error in errors:
        told(error)
    out = console()
    if errors:
        out.print(f"{counted(len(errors), 'mistake')}; {counted(len(rules), 'rule')} in order.")
        return MISTAKE
    width = max((len(rule.name) for rule in rules), default=0)
    for rule in rules:
        mode = "" if rule.mode == "live" else f" [{rule.mode}]"
        out.print(f"  {rule.name:<{width}}  {rule.about}{mode}", markup=False)
    out.print(f"{counted(len(rules), 'rule')}, all in order.")
    return DONE


def test_folder(config: Path, folder: Path | None, name: str, *, verbose: bool) -> int:
    """Run the cases of each rule and show what differs."""
    from loopbot.language.cases import run
    from loopbot.wiring import check_rules, shipped_judgement

    place, _ = _place(config, folder)
    rules, errors = check_rules(place)
    if errors:
        raise errors[0] if len(errors) == 1 else ExceptionGroup("rules have mistakes", errors)
    chosen = [rule for rule in rules if not name or rule.name == name]
    if not chosen:
        raise UserError(name, "is not a rule in this folder", "known: " + ", ".join(rule.name for rule in rules))
    out = console()
    passed = failed = 0
    judgement = shipped_judgement()
    for rule in chosen:
        cases = place / "tests" / f"{rule.name}.toml"
        if not cases.exists():
            out.print(
                f"  {rule.name}: no cases ({cases.name} in {cases.parent.name}/ would hold them)",
                markup=False,
                style="yellow",
            )
            continue
        # What a rule would do can be tested also while it is switched off.
        for result in run(dataclasses.replace(rule, mode="live") if rule.mode == "off" else rule, cases, judgement):
            passed += result.passed
            failed += not result.passed
            if not result.passed:
                out.print(f"  {rule.name}: {result.name}: FAILED", markup=False, style="red")
                out.print(f"{result.difference}", markup=False)
            elif verbose:
                out.print(f"  {rule.name}: {result.name}: ok", markup=False)
    out.print(f"{counted(passed, 'case')} passed, {failed} failed.")
    return TROUBLE if failed else DONE


def print_schema() -> None:
    """The JSON Schema of a rule file."""
    import orjson

    from loopbot.language.schema import rule_schema

    print(orjson.dumps(rule_schema(), option=orjson.OPT_INDENT_2).decode())


def _place(config: Path, folder: Path | None) -> tuple[Path, set[str] | None]:
    """Where the rules are, and which systems are configured (unknown when only a folder is named)."""
    if folder is not None:
        if not folder.is_dir():
            raise UserError(str(folder), "is not a folder")
        return folder, None
    from loopbot.config import load_config

    loaded = load_config(config)
    return loaded.rules_folder, set(loaded.systems)
