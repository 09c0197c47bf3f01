"""`loopbot init`: a configuration for the systems you have, and the starter rules."""

import re
import shutil
from pathlib import Path

from loopbot.cli.opening import console
from loopbot.domain.errors import UserError

_SECTION = re.compile(r"^# --- (\w+) ---$", re.MULTILINE)


def write_files(folder: Path, systems: list[str]) -> None:
    """Write config.toml and rules/; nothing that is there already is touched."""
    from loopbot.wiring import example_config, slack_manifest, starter_rules

    example = example_config().read_text(encoding="utf-8")
    known = _SECTION.findall(example)
    for name in systems:
        if name not in known:
            raise UserError(f"--systems {name}", "is not a system the example knows", "known: " + ", ".join(known))
    config, rules = folder / "config.toml", folder / "rules"
    for path in (config, rules):
        if path.exists():
            raise UserError(str(path), "is there already", "choose another folder, or move it away")
    folder.mkdir(parents=True, exist_ok=True)
    config.write_text(_only(example, systems), encoding="utf-8")
    shutil.copytree(starter_rules(), rules)
    off = _switch_off(rules, set(systems))
    out = console()
    out.print(
        f"{config}: set the addresses, and where the secrets are. Every key is explained in it.",
        markup=False,
        soft_wrap=True,
    )
    out.print(
        f"{rules}/: {len(list(rules.glob('*.toml')))} starter rules with their cases.", markup=False, soft_wrap=True
    )
    for name in off:
        out.print(f"  {name} is off: it writes to a system you did not name.", markup=False, soft_wrap=True)
    out.print("\nNext:")
    if "slack" in systems:
        for line in (
            f"make the app at https://api.slack.com/apps: From a manifest, with {slack_manifest()}",
            f"put its two tokens where {config} says",
        ):
            out.print(f"  {line}", markup=False, soft_wrap=True)
    where = "" if config == Path("config.toml") else f" -c {config}"
    for command in (
        "check        # finds what is wrong before the first write",
        "plan         # names every write before it happens",
        "run",
    ):
        name, _, about = command.partition(" ")
        out.print(f"  loopbot {name}{where}{' ' + about if about else ''}", markup=False, soft_wrap=True)


def _only(example: str, systems: list[str]) -> str:
    """The example with the sections of these systems."""
    parts = _SECTION.split(example)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    kept = "".join(f"# --- {name} ---{text}" for name, text in sections.items() if name in systems)
    # What GitHub and GitLab deliver names issues of a tracker: without one there is none to name.
    if "jira" not in systems:
        kept = kept.replace('issues_in = "jira"', '# issues_in = "jira"').replace(
            'issue_keys = ["LOOP"]', '# issue_keys = ["LOOP"]'
        )
    return parts[0] + kept


def _switch_off(folder: Path, systems: set[str]) -> list[str]:
    """Rules that write to systems that are not there stay in the folder, switched off."""
    from loopbot.wiring import check_rules

    rules, _ = check_rules(folder)
    off = []
    for rule in rules:
        if rule.systems - systems and rule.mode != "off":
            path = folder / f"{rule.name}.toml"
            path.write_text('mode = "off"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
            off.append(rule.name)
    return off
