"""Rule files to domain rules. Every mistake of every file is collected: nobody mends a folder one error at a time."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from loopbot.domain.errors import RuleError
from loopbot.domain.rules import EVER, LATELY, Match, Once, Repeat, Rule, Watch
from loopbot.domain.words import Kind
from loopbot.language import model, predicates
from loopbot.language.building import Builder
from loopbot.language.enquiries import ask_of
from loopbot.language.mistakes import Findings
from loopbot.language.names import Names, Type, acting_names, matching_names, names_for, record_type
from loopbot.language.reading import read
from loopbot.language.templates import template

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TOLD_AT = re.compile(r"\btold_at\b")
_NO_MATCH = "this rule has no [match]"
_NOT_YET = "it is known only once the match is made; use it in `if` or in a text"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rules of a folder that can be used, by name, and what is wrong with the others."""

    rules: tuple[Rule, ...] = ()
    errors: tuple[RuleError, ...] = ()


def load_rules(folder: Path, zone: str = "UTC") -> Loaded:
    """All *.toml of the folder itself, in order of name; points in time in their texts are said in this zone."""
    if not folder.is_dir():
        return Loaded(errors=(RuleError(str(folder), "there is no such folder", "loopbot init writes one"),))
    rules: list[Rule] = []
    errors: list[RuleError] = []
    for path in sorted(folder.glob("*.toml")):
        loaded = load_rule(path, zone)
        rules.extend(loaded.rules)
        errors.extend(loaded.errors)
    return Loaded(tuple(rules), tuple(errors))


def load_rule(path: Path, zone: str = "UTC") -> Loaded:
    """One file; its name without .toml is the rule's name."""
    where = f"{path.parent.name}/{path.name}" if path.parent.name else path.name
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        return Loaded(errors=(RuleError(where, f"the file can not be read: {why}"),))
    return parse_rule(text, path.stem, where, zone)


def parse_rule(text: str, name: str, where: str = "", zone: str = "UTC") -> Loaded:
    """A rule from its text; `where` is how errors name the file."""
    findings = Findings(where or f"{name}.toml")
    if not _NAME.fullmatch(name):
        good = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789") or "my-rule"
        findings.add("", f'"{name}" can not be the name of a rule', f"rename the file to {good}.toml")
    written = read(text, findings)
    rule = _rule(written, name, findings, zone) if written else None
    if findings.errors or rule is None:
        return Loaded(errors=tuple(findings.errors))
    return Loaded(rules=(rule,))


def _rule(written: model.RuleFile, name: str, findings: Findings, zone: str) -> Rule:
    match = written.match
    known = names_for(written.on)
    unwatched = {} if written.watch else dict.fromkeys(("interval", "quiet_for"), "this rule has no [watch]")
    asking = Names(
        known,
        {
            **unwatched,
            "told_at": _NOT_YET,
            "other": _NO_MATCH if match is None else _NOT_YET,
            "score": _NOT_YET,
            "because": _NOT_YET,
        },
    )
    when = None
    if written.when is not None:
        with findings.at("when"):
            when = predicates.condition(written.when, asking)
    mirrors = [part for part in written.then if isinstance(part, model.MirrorPart)]
    if mirrors:
        _check_mirroring(written, findings)
    acting = _acting(written)
    # What tells effects apart (`once`) is said in UTC, whatever people read.
    builder = Builder(replace(acting, zone=zone), _kinds(written), acting.why_not, findings)
    then = builder.built(written.then)
    return Rule(
        name=name,
        about=written.about,
        on=frozenset(written.on),
        when=when,
        match=_mirror_match(mirrors[0]) if mirrors else _match(written, findings) if match else None,
        repeat=_repeat(written.repeat) if written.repeat else None,
        settle=written.settle,
        ask=ask_of(written, findings),
        watch=_watch(written, findings),
        remembers=_remembers(written),
        once=_once(written.once, acting, findings),
        then=then,
        limit=written.limit,
        mode=written.mode,
        systems=frozenset(builder.systems),
        weighs=any("weight" in str(part.model_dump()) for part in written.then),
        keeps_current=any(_kept_by_weight(part) for part in written.then),
        helps=any("known_answer" in str(part.model_dump()) for part in written.then),
        asks_in_then=any(isinstance(part, model.AskPart | model.BroadcastPart) for part in written.then),
    )


def _kept_by_weight(part: model.ActionPart) -> bool:
    return isinstance(part, model.SetPart) and part.keep_current and "weight" in str(part.fields)


def _match(written: model.RuleFile, findings: Findings) -> Match | None:
    part = written.match
    if part is None:
        return None
    names = Names(matching_names(names_for(written.on, part.kind)), {"score": _NOT_YET, "because": _NOT_YET})
    where, unless = None, None
    if part.where is not None:
        with findings.at("match.where"):
            where = predicates.condition(part.where, names)
    if part.unless is not None:
        with findings.at("match.unless"):
            unless = predicates.condition(part.unless, names)
    if part.ask_at > part.link_at:
        findings.add(
            "match.ask_at", f"{part.ask_at} lies above link_at ({part.link_at})", "people are asked below link_at"
        )
    if part.rank != "none" and part.pick == "all":
        findings.add(
            "match.pick", '"all" takes every record, so a rank means nothing', 'leave rank out, or pick = "each"'
        )
    if len(part.kind) > 1 and part.rank != "suspect":
        findings.add(
            "match.kind", "several kinds are only ranked as suspects", 'rank = "suspect", or write one rule a kind'
        )
    return Match(
        kind=part.kind[0],
        also=tuple(part.kind[1:]),
        where=where,
        unless=unless,
        through=tuple(part.through),
        within=part.within or (EVER if part.rank == "suspect" else LATELY),
        rank=part.rank,
        pick=part.pick,
        optional=part.optional,
        link_at=part.link_at,
        ask_at=part.ask_at,
    )


def _check_mirroring(written: model.RuleFile, findings: Findings) -> None:
    """A rule that mirrors does nothing else, and what else a rule can say means nothing for it."""
    if len(written.then) > 1:
        findings.add("then", "a rule that mirrors does nothing else", "put the other actions into a rule of their own")
    if len(written.on) > 1:
        findings.add("on", "a rule mirrors one kind of record", "write one rule a kind")
    if written.when is not None:
        why = "a pair is kept in step whatever becomes of `it`"
        findings.add("when", why, "which records get a mirror is said by `if` in [[then]]")
    for key, given in (("match", written.match), ("repeat", written.repeat)):
        if given is not None:
            findings.add(key, "a rule that mirrors finds the other record by itself", "leave it out")
    if written.once != model.OncePart.model_construct():
        findings.add("once", "a record has one mirror", "leave it out")


def _mirror_match(part: model.MirrorPart) -> Match:
    """The mirror, where there is one: so that a change of either side wakes the rule."""
    return Match(kind=part.into, through=("mirrors",), optional=True)


def _repeat(part: model.RepeatPart) -> Repeat:
    return Repeat(at_least=part.at_least, within=part.within, same_service=part.same == "service", alike=part.alike)


def _watch(written: model.RuleFile, findings: Findings) -> Watch | None:
    part = written.watch
    if part is None:
        return None
    if written.on != ["problem"]:
        findings.add("watch", "only a problem is watched: its incidents say how often it comes back", 'on = "problem"')
    if written.settle is not None:
        findings.add("settle", "a rule that watches waits by itself", "leave it out")
    if part.least > part.most:
        findings.add("watch.least", "lies above most", "swap them")
    return Watch(least=part.least, most=part.most)


def _remembers(written: model.RuleFile) -> bool:
    """Whether anything in it goes by when it last told somebody."""
    texts = [written.match.where, written.match.unless] if written.match else []
    texts += [text for part in written.then for text in (part.only_if, getattr(part, "text", None))]
    return any(_TOLD_AT.search(text) for text in texts if text)


def _once(part: model.OncePart, names: Names, findings: Findings) -> Once:
    per = None
    if part.per is not None:
        with findings.at("once.per"):
            per = template(part.per, names)
    return Once(per, part.span)


def _acting(written: model.RuleFile) -> Names:
    """What the actions may name."""
    match = written.match
    all_together = match is not None and match.pick == "all"
    why_not = {}
    if match is None:
        why_not["other"] = _NO_MATCH
    elif all_together:
        why_not["other"] = '[match] has pick = "all"; the records are `others`'
    one = match.kind if match and not all_together else ()
    known = names_for(written.on, one, optional=bool(match and match.optional))
    others: Type | None = None
    if match and all_together:
        others = record_type(match.kind)
    elif written.repeat:
        others = record_type(written.on)
    else:
        why_not["others"] = 'others come from [repeat] or from [match] with pick = "all"'
    return Names(
        acting_names(
            known,
            ranked=bool(match and match.rank != "none" and not match.optional),
            watches=written.watch is not None,
        ),
        why_not,
        {},
        others,
    )


def _kinds(written: model.RuleFile) -> dict[str, tuple[Kind, ...]]:
    """Of which kinds the things are that an action can act on."""
    kinds: dict[str, tuple[Kind, ...]] = {"it": tuple(written.on)}
    match = written.match
    if match and match.pick == "all":
        kinds["others"] = tuple(match.kind)
    elif match:
        kinds["other"] = tuple(match.kind)
    if written.repeat and "others" not in kinds:
        kinds["others"] = tuple(written.on)
    return kinds
