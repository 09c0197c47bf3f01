"""`loopbot check`: what is wrong, before the first write, and what is stuck, after it."""

import dataclasses
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from loopbot.cli.failures import DONE, MISTAKE, TROUBLE
from loopbot.cli.opening import console
from loopbot.domain.errors import SystemTrouble, UserError
from loopbot.domain.phrasing import ago, counted, what_it_does
from loopbot.ports import Finding

if TYPE_CHECKING:
    from loopbot.config import Config
    from loopbot.domain.rules import Rule
    from loopbot.wiring import Installation

_SIGNS = {"ok": ("ok", "green"), "warning": ("look", "yellow"), "error": ("WRONG", "red")}


def show_findings(path: Path, *, as_json: bool) -> int:
    """Print every finding; the exit code says whether anything is wrong."""
    from loopbot.config import load_config

    config = load_config(path)
    broken, rules = _settings(config), list(_rules(config))
    findings = [one for found in broken.values() for one in found]
    if not findings:
        findings.append(Finding("ok", path.name, f"is valid: {counted(len(config.systems), 'system')}"))
    findings += rules
    code = MISTAKE if any(one.level == "error" for one in findings) else DONE
    # What is wrong with one system says nothing about the others; rules that can not be loaded stop all of it.
    if not any(one.level == "error" for one in rules):
        found = list(_systems(config, broken))
        findings += found
        code = code or (TROUBLE if any(one.level == "error" for one in found) else DONE)
    if as_json:
        import orjson

        print(orjson.dumps([dataclasses.asdict(one) for one in findings], option=orjson.OPT_INDENT_2).decode())
        return code
    _print(findings)
    return code


def _rules(config: "Config") -> Iterator[Finding]:
    from loopbot.wiring import check_rules

    rules, errors = check_rules(config.rules_folder, set(config.systems))
    for error in errors:
        yield Finding("error", error.where, error.why, error.hint)
    modes = ", ".join(f"{sum(rule.mode == mode for rule in rules)} {mode}" for mode in ("live", "shadow", "off"))
    yield Finding("ok", str(config.loopbot.rules), f"{counted(len(rules), 'rule')} ({modes})")
    yield from _nobody_to_ask(config, rules)


def _nobody_to_ask(config: "Config", rules: "Sequence[Rule]") -> Iterator[Finding]:
    """Questions that wait for people whom the configuration does not name."""
    asked: dict[str, list[str]] = {}
    for rule in rules:
        if rule.ask is not None and rule.mode == "live":
            asked.setdefault(rule.ask.audience, []).append(rule.name)
    for audience, names in sorted(asked.items()):
        if not getattr(config.roles, audience) and not config.roles.operators:
            why = f"{', '.join(names)} {'asks' if len(names) == 1 else 'ask'} them, and nobody is named: only `loopbot questions answer` can answer"
            yield Finding("warning", f"roles.{audience}", why, "name them under [roles]")


def _settings(config: "Config") -> dict[str, list[Finding]]:
    """The systems whose settings or secrets are wrong, and what is."""
    from loopbot.wiring import Outfit, check_system

    outfit = Outfit()
    found = {name: check_system(config, name, outfit) for name in config.systems}
    return {
        name: [Finding("error", one.where, one.why, one.hint) for one in mistakes]
        for name, mistakes in found.items()
        if mistakes
    }


def _systems(config: "Config", broken: Container[str]) -> Iterator[Finding]:
    from loopbot.wiring import installed

    with installed(config, systems=lambda name: name not in broken) as here:
        for name, connector in here.connectors.items():
            try:
                for one in connector.check():
                    yield dataclasses.replace(one, about=_named(name, one.about))
            except SystemTrouble as trouble:
                yield Finding("error", name, trouble.why, trouble.hint)
            except UserError as error:
                yield Finding("error", _named(name, error.where), error.why, error.hint)
        yield from _stuck(here)
        yield from _strangers(here)
        yield from _webhooks(here)


def _named(system: str, about: str) -> str:
    """What a finding is about, with the system's name before it."""
    known = (
        about == system or about.startswith((f"{system} ", f"{system}:", f"{system},")) or f"systems.{system}." in about
    )
    return about if known else f"{system} {about}"


def _stuck(here: "Installation") -> Iterator[Finding]:
    from loopbot.usecases.inspect import health
    from loopbot.usecases.overruling import told
    from loopbot.usecases.statements import statement

    found = health(here.loop)
    yield from _left(here)
    for cycle in found.cycles:
        if cycle.trouble:
            yield Finding("error", cycle.stream, f"was not read to its end {ago(cycle.ended_at)}: {cycle.trouble}")
            continue
        counts = f"{cycle.rows:,} seen, {cycle.new:,} new, {cycle.changed:,} changed"
        yield Finding("ok", cycle.stream, f"read {ago(cycle.ended_at)}: {counts}; {statement(cycle)}")
    for one in found.quarantined:
        yield Finding(
            "warning", one.where, f"{one.ident} is set aside: {one.why}", f"tried {counted(one.tries, 'time')}"
        )
    for entry in found.overruled:
        loser = entry.conflict.loser
        yield Finding("warning", str(loser), told(entry), f"loopbot explain {loser.key}")
    for state, rows in (("uncertain", found.uncertain), ("parked", found.parked), ("held", found.held)):
        for row in rows:
            what = f"{row.effect.key[:8]} is {state}: {what_it_does(row.effect, 60)} - {row.why}"
            yield Finding("warning", row.effect.system, what, f"loopbot outbox show {row.effect.key[:8]}")


def _strangers(here: "Installation") -> Iterator[Finding]:
    """People who were to be told something, and are not certainly anybody in the chat."""
    from loopbot.usecases.telling.identity import strangers

    for one in strangers(here.loop):
        known = one.acquaintance
        waits = (
            f"; {counted(one.waiting, 'message')} for them {'is' if one.waiting == 1 else 'are'} stuck"
            if one.waiting
            else ""
        )
        hint = "then: loopbot people --unknown --refresh"
        yield Finding("warning", known.system, f"{known.why or known.who}{waits}", hint)


def _webhooks(here: "Installation") -> Iterator[Finding]:
    """Whether webhooks come, where they are to, and whether the inbox was ever full."""
    from loopbot.usecases.hints import alarmed, silences

    if here.config.web is None:
        return
    systems = [name for name, one in here.config.systems.items() if one.settings.get("webhook_secret")]
    with here.store.read() as tx:
        said, quiet = alarmed(tx), silences(tx, systems, [source.stream for source in here.sources])
        fresh = said is not None and (tx.now() - said[0]).days < 1
    if said is not None and fresh:
        yield Finding("warning", "inbox", f"{ago(said[0])}: {said[1]}", "does a system send far more than it should?")
    for one in quiet:
        since = f"none came since {ago(one.last_at)}" if one.last_at else "none ever came"
        what = f"sends no webhooks: {since}, and polls found {counted(one.missed, 'change')} of which none told"
        hint = f"look at its webhook to /hooks/{one.system}: disabled, expired, or another secret? (docs/webhooks.md)"
        yield Finding("warning", one.system, what, hint)


def _left(here: "Installation") -> Iterator[Finding]:
    """The last sweep of each stream, what is left of the calls, and whether a restore is still gone through."""
    from loopbot.usecases.account import overdue
    from loopbot.usecases.budgets import in_words, known_budgets
    from loopbot.usecases.statements import statement

    with here.store.read() as tx:
        sweeps = [tx.cursors.sweep(source.stream) for source in here.sources]
        missed = [
            (source.stream, tx.cursors.since(source.stream) or tx.now())
            for source in here.sources
            if overdue(tx, source.stream)
        ]
        span = tx.outbox.doubted()
    for sweep in filter(None, sweeps):
        level: Literal["ok", "warning"] = "warning" if sweep.unexplained else "ok"
        hint = f"loopbot sweep {sweep.stream}"
        yield Finding(level, sweep.stream, f"swept {ago(sweep.ended_at)}: {statement(sweep)}", hint)
    swept = {one.stream: one.ended_at for one in sweeps if one is not None}
    for stream, first in missed:
        since = f"the last one {ago(swept[stream])}" if stream in swept else f"it was first read {ago(first)}"
        what = f"no sweep has come to its end since {since}: whether a record was lost since is not known"
        yield Finding("warning", stream, what, f"loopbot sweep {stream}")
    if span is not None:
        what = f"was restored {ago(span[1])}: what is planned is looked for before it is sent"
        yield Finding("ok", "store", what)
    if short := here.store.short_of_room():
        yield Finding("error", "store", f"nothing is sent: {short}", "make room on the disk")
    known = known_budgets(here.store)
    for one in known.budgets if known else here.budgets:
        if said := in_words(one):
            closed = one.breaker == "open" or one.hour_left == 0
            yield Finding("warning" if closed else "ok", one.system, "; ".join(said), "it goes on by itself")


def _print(findings: list[Finding]) -> None:
    from rich.text import Text

    out = console()
    for one in findings:
        sign, colour = _SIGNS[one.level]
        out.print(Text(f"{sign:>6}", style=colour), Text(f"{one.about}: {one.what}"), soft_wrap=True)
        if one.hint and one.level != "ok":
            out.print(f"         → {one.hint}", markup=False, soft_wrap=True)
    wrong, look = (sum(one.level == level for one in findings) for level in ("error", "warning"))
    out.print()
    out.print(f"{counted(wrong, 'thing')} wrong, {look} to look at." if wrong or look else "Everything is in order.")
