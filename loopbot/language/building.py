"""The parts of a rule file made into actions, with everything they name checked."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from loopbot.domain.mirroring import NAMES, Field
from loopbot.domain.rules import Action, Scope
from loopbot.domain.texts import listed
from loopbot.domain.words import STATES, Kind, Relation
from loopbot.language import actions, enquiries, informing, mirrors, model, predicates
from loopbot.language.aims import Aim
from loopbot.language.mistakes import Findings, Mistake
from loopbot.language.names import Names, Opened
from loopbot.language.suggestions import did_you_mean
from loopbot.language.templates import Text, template

_EMPTY = Text("", ())
_YES_NO = (("yes", "Yes, it works"), ("no", "Still broken"))
# Between which kinds a relation stands; a link the wrong way round is the commonest slip of all.
_ENDS: Mapping[Relation, tuple[frozenset[Kind], frozenset[Kind]]] = {
    "caused_by": (frozenset({"incident"}), frozenset({"change", "deployment"})),
    "problem_of": (frozenset({"problem"}), frozenset({"incident"})),
    "fixes": (frozenset({"issue"}), frozenset({"problem", "incident", "feedback"})),
    "delivers": (frozenset({"deployment"}), frozenset({"issue"})),
    "withdraws": (frozenset({"deployment"}), frozenset({"issue"})),
    "includes": (frozenset({"release"}), frozenset({"issue"})),
}


@dataclass(slots=True)
class Builder:
    """Makes the actions of one rule, in order; each may name what the ones before it opened."""

    names: Names
    kinds: dict[str, tuple[Kind, ...]]
    why_not: Mapping[str, str]
    findings: Findings
    systems: set[str] = field(default_factory=set)
    _slots: dict[str, int] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)

    def built(self, parts: Iterable[model.ActionPart]) -> tuple[Action, ...]:
        """The actions that could be made; the findings hold what is wrong with the others."""
        made = []
        for number, part in enumerate(parts, start=1):
            action = self._action(part, f"then[{number}]")
            if action is not None:
                made.append(action)
        return tuple(made)

    def _action(self, part: model.ActionPart, key: str) -> Action | None:
        makers: Mapping[type, Callable[..., tuple[Action, frozenset[str]]]] = {
            model.OpenPart: self._open,
            model.LinkPart: self._link,
            model.CommentPart: self._comment,
            model.TransitionPart: self._transition,
            model.SetPart: self._set,
            model.MirrorPart: self._mirror,
            model.PostPart: self._post,
            model.TellPart: self._tell,
            model.AskPart: self._ask,
            model.BroadcastPart: self._broadcast,
        }
        before = len(self.findings.errors)
        condition = None
        if part.only_if is not None and not isinstance(part, model.MirrorPart):
            with self.findings.at(f"{key}.if"):
                condition = predicates.condition(part.only_if, self.names)
        action, needs = makers[type(part)](part, key, self._slot(part, key))
        if len(self.findings.errors) > before:
            return None
        if isinstance(part, model.MirrorPart) or not (condition or needs or part.unless_linked):
            return action
        return actions.Step(action=action, only_if=condition, unless_linked=tuple(part.unless_linked), needs=needs)

    def _slot(self, part: model.ActionPart, key: str) -> str:
        """What names the action in the identity of its effects: its `slot`, else its verb and place among the like."""
        verb = type(part).__name__.removesuffix("Part").lower()
        number = self._slots[verb] = self._slots.get(verb, 0) + 1
        slot = part.slot or f"{verb}-{number}"
        if f"={slot}" in self._slots:
            self.findings.add(f"{key}.slot", f'two actions have the slot "{slot}"', "an action's slot is its own")
        self._slots[f"={slot}"] = number
        return slot

    # ------------------------------------------------------------------------------------------ one a verb

    def _open(self, part: model.OpenPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        self.systems.add(part.system)
        title = self._text(part.title, f"{key}.title")
        text = self._text(part.text, f"{key}.text")
        fields = self._fields(part.fields, key)
        action = actions.Open(
            slot=slot,
            system=part.system,
            kind=part.kind,
            place=part.place,
            title=title,
            text=text,
            type=part.type,
            priority=self._priority(part.priority, f"{key}.priority"),
            labels=tuple(part.labels),
            fields=fields,
            reporter=part.reporter,
            name=part.name,
            join=part.join,
        )
        if part.name:
            self._name_ticket(part.name, part, key)
        return action, _needs(title, text, *(each for _, each in fields))

    def _name_ticket(self, name: str, part: model.OpenPart, key: str) -> None:
        if name in self.names.known or name in self.names.opened or name == "others":
            self.findings.add(f"{key}.as", f"`{name}` means something else already", "choose another name")
            return
        self.names = self.names.with_opened(name, Opened(part.system, part.kind))
        self._homes[name] = part.system
        self.kinds[name] = (part.kind,)

    def _link(self, part: model.LinkPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        source, target = self._aim(part.source, f"{key}.from"), self._aim(part.target, f"{key}.to")
        self._check_ends(part.relation, source, target, key)
        self.systems.update(part.systems or ())
        systems = None if part.systems is None else tuple(part.systems)
        link = actions.LinkUp(slot=slot, relation=part.relation, source=source, target=target, systems=systems)
        return link, source.needs | target.needs

    def _check_ends(self, relation: Relation, source: Aim, target: Aim, key: str) -> None:
        if relation not in _ENDS:
            return
        froms, tos = _ENDS[relation]
        sources, targets = self._kinds_of(source), self._kinds_of(target)
        if not sources or not targets or (sources <= froms and targets <= tos):
            return
        why = f"`{relation}` goes from {_a(froms)} to {_a(tos)}, not from {_a(sources)} to {_a(targets)}"
        hint = f"swap them: from = {_toml(target.names)}, to = {_toml(source.names)}"
        self.findings.add(f"{key}.relation", why, hint if targets <= froms and sources <= tos else "")

    def _comment(self, part: model.CommentPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        on, text = self._aim(part.on, f"{key}.on"), self._text(part.text, f"{key}.text", public=not part.internal)
        remark = actions.Remark(slot=slot, on=on, text=text, audience="internal" if part.internal else "public")
        return remark, on.needs | text.needs

    def _transition(self, part: model.TransitionPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        on = self._aim(part.on, f"{key}.on")
        for kind in sorted(self._kinds_of(on)):
            if part.to not in STATES[kind]:
                self.findings.add(
                    f"{key}.to", f'"{part.to}" is not a state of {_a([kind])}', did_you_mean(part.to, STATES[kind])
                )
        return actions.Move(slot=slot, on=on, to=part.to), on.needs

    def _set(self, part: model.SetPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        on, fields = self._aim(part.on, f"{key}.on"), self._fields(part.fields, key)
        return actions.Write(slot=slot, on=on, fields=fields, keep_current=part.keep_current), on.needs | _needs(
            *(text for _, text in fields)
        )

    def _mirror(self, part: model.MirrorPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        self.systems.add(part.system)
        kinds = self.kinds["it"]
        if part.into not in mirrors.KINDS or not frozenset(kinds) <= mirrors.KINDS:
            self.findings.add(f"{key}.into", f"{_a([part.into])} can not mirror {_a(kinds)}", mirrors.KINDS_HINT)
        fields = self._mirrored(part, key)
        if part.unless_linked:
            self.findings.add(f"{key}.unless_linked", "a mirror is kept in step whatever is linked", "use `if`")
        opens = actions.Open(
            slot=slot,
            system=part.system,
            kind=part.into,
            place=part.place,
            title=self._text("{it.title}", key),
            text=self._text(part.text, f"{key}.text"),
            type=part.type,
            priority=_priority_of_it if any(field.name == "priority" for field in fields) else None,
            labels=tuple(part.labels),
        )
        only_if = None
        if part.only_if is not None:
            with self.findings.at(f"{key}.if"):
                only_if = predicates.condition(part.only_if, self.names)
        return mirrors.Mirror(slot=slot, opens=opens, fields=fields, only_if=only_if), frozenset()

    def _mirrored(self, part: model.MirrorPart, key: str) -> tuple[Field, ...]:
        """The fields of a mirror with their maps; every word of a map has to be one of the kind's states."""
        kinds = (self.kinds["it"][0], part.into)
        states = None
        if part.states is not None:
            states = (part.states.out, part.states.back)
            for name, words, (one, other) in (("out", states[0], kinds), ("back", states[1], kinds[::-1])):
                for word, to in words.items():
                    for each, kind in ((word, one), (to, other)):
                        if each not in STATES[kind]:
                            why = f'"{each}" is not a state of {_a([kind])}'
                            self.findings.add(f"{key}.states.{name}", why, did_you_mean(each, STATES[kind]))
        chosen = [(name, getattr(part.fields, name)) for name in NAMES]
        fields = tuple(mirrors.field_of(name, wins, kinds, states) for name, wins in chosen if wins)
        if not fields:
            self.findings.add(f"{key}.fields", "nothing is kept in step", 'write title = "it", state = "newest" ...')
        elif part.fields.state and not states and kinds[0] != kinds[1] and "issue" not in kinds:
            self.findings.add(
                f"{key}.states", f"how {_a([kinds[0]])} and {_a([kinds[1]])} fit is not known", "add states"
            )
        return fields

    def _post(self, part: model.PostPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        self.systems.add(part.system)
        text = self._text(part.text, f"{key}.text")
        channel = part.channel.removeprefix("#")
        if not re.fullmatch(r"[\w.-]+", channel):
            self.findings.add(
                f"{key}.channel", f'"{part.channel}" is not a channel', "write its name, such as releases"
            )
        post = actions.Announce(
            slot=slot, system=part.system, channel=channel, text=text, keep_current=part.keep_current
        )
        return post, text.needs

    def _tell(self, part: model.TellPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        self.systems.add(part.system)
        of, about = self._aim(part.of, f"{key}.of"), self._aim([part.about], f"{key}.about")
        text = self._text(part.text, f"{key}.text", public=True)
        buttons = tuple(part.buttons.items())
        if buttons and not part.question:
            self.findings.add(
                f"{key}.buttons", "buttons without a question", 'add question = "..." to name the answers'
            )
        if part.question and not buttons:
            buttons = _YES_NO
        if part.silent_after and not part.question:
            self.findings.add(f"{key}.silent_after", "nothing is asked, so nobody can be silent", "add question")
        if part.after and "who" in part.model_fields_set:
            self.findings.add(f"{key}.who", "`after` says already who is told", "leave one of them out")
        tell = informing.Inform(
            slot=slot,
            system=part.system,
            who=tuple(part.who),
            after=tuple(part.after),
            comment_instead=part.instead == "comment",
            silent_after=part.silent_after,
            of=of,
            about=about,
            text=text,
            question=part.question,
            buttons=buttons,
            shared=self._shared(part, key),
        )
        return tell, of.needs | about.needs | text.needs

    def _shared(self, part: model.TellPart, key: str) -> tuple[Text, Text] | None:
        """What several of them say once, and the line of each; nothing of a ticket that only the rule itself opens."""
        if part.together is None or part.line is None:
            if part.together or part.line:
                self.findings.add(f"{key}.together", "`together` and `line` go together", "add the other one")
            return None
        lead = self._text(part.together, f"{key}.together", public=True)
        line = self._text(part.line, f"{key}.line", public=True)
        if lead.needs or line.needs:
            self.findings.add(f"{key}.together", "names a ticket that is not open yet", "name it in `text`")
        return lead, line

    def _ask(self, part: model.AskPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        kind = enquiries.SUBJECTS[part.what]
        if frozenset(self.kinds["it"]) != {kind}:
            self.findings.add(f"{key}.what", f"`{part.what}` is asked about {_a([kind])}", f'write on = "{kind}"')
        return enquiries.Enquire(slot=slot, what=part.what, audience=part.to, again=part.again), frozenset()

    def _broadcast(self, part: model.BroadcastPart, key: str, slot: str) -> tuple[Action, frozenset[str]]:
        self.systems.add(part.system)
        on = self._aim(part.to_incidents, f"{key}.on")
        if frozenset(self.kinds["it"]) != {"problem"} or not self._kinds_of(on) <= {"incident"}:
            why = "the workaround of a problem goes to its incidents"
            hint = 'on = "problem" and [match] with kind = "incident", through = ["problem_of"], pick = "all"'
            self.findings.add(key, why, hint)
        return enquiries.Broadcast(slot=slot, on=on, system=part.system, audience=part.ask), on.needs

    # ------------------------------------------------------------------------------------------ their parts

    def _text(self, text: str, key: str, *, public: bool = False) -> Text:
        made = _EMPTY
        with self.findings.at(key):
            made = template(text, self.names, public=public)
        return made  # noqa: RET504 (a mistake leaves the block before it is made)

    def _fields(self, fields: Mapping[str, str], key: str) -> tuple[tuple[str, Text], ...]:
        return tuple((name, self._text(text, f"{key}.fields.{name}")) for name, text in fields.items())

    def _priority(self, written: int | str | None, key: str) -> Callable[[Scope], object] | None:
        made: Callable[[Scope], object] | None = None
        with self.findings.at(key):
            if isinstance(written, str):
                made = predicates.number(written, self.names)
            elif written is not None and not 1 <= written <= 5:
                raise Mistake(f"has to be 1 (highest) to 5, not {written}")
            elif written is not None:
                made = _always(written)
        return made

    def _aim(self, names: Iterable[str], key: str) -> Aim:
        good = []
        for name in names:
            if name in self.kinds:
                good.append(name)
            elif name in self.why_not:
                self.findings.add(key, f"`{name}` means nothing here: {self.why_not[name]}")
            else:
                self.findings.add(key, f"`{name}` is unknown", did_you_mean(name, self.kinds))
        return Aim(tuple(good), dict(self._homes))

    def _kinds_of(self, aim: Aim) -> frozenset[Kind]:
        return frozenset(kind for name in aim.names for kind in self.kinds[name])


def _needs(*texts: Text) -> frozenset[str]:
    return frozenset().union(*(text.needs for text in texts))


def _a(kinds: Iterable[Kind]) -> str:
    ordered = sorted(kinds)
    said = listed(ordered).replace(" and ", " or ")
    return f"{'an' if said[:1] in 'aeiou' else 'a'} {said}" if ordered else "nothing"


def _toml(names: tuple[str, ...]) -> str:
    quoted = [f'"{name}"' for name in names]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"


def _priority_of_it(scope: Scope) -> object:
    return getattr(scope.it, "priority", None)


def _always(number: int) -> Callable[[Scope], object]:
    return lambda _: number
