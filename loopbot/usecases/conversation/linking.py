"""`/loop link`: a person's word about two records, kept, written where their systems have a place for it, and taken back at will."""

from typing import Final

from loopbot.domain.effects import Cause, LinkTickets
from loopbot.domain.records import Link, Person, Record, Ref
from loopbot.domain.speech import Button, Buttons, Context, Lead, Message, say
from loopbot.domain.words import RELATIONS, Relation
from loopbot.ports import JournalEntry
from loopbot.usecases.conversation.desk import Desk, called, quoted, refused
from loopbot.usecases.enact import follow

UNLINK: Final = "unlink:"
"""What the key of the button that takes a link back begins with; source, relation and target follow, parted by bars."""
_RULE: Final = "link"
# What two kinds have to do with each other where nobody says more: (kind, kind) -> (relation, whether the first is its source)
_USUAL: Final[dict[tuple[str, str], Relation]] = {
    ("incident", "change"): "caused_by",
    ("incident", "deployment"): "caused_by",
    ("problem", "incident"): "problem_of",
    ("issue", "problem"): "fixes",
    ("issue", "incident"): "fixes",
    ("issue", "feedback"): "fixes",
    ("deployment", "issue"): "delivers",
    ("release", "issue"): "includes",
}
_SAID: Final[dict[Relation, str]] = {
    "caused_by": "was caused by",
    "problem_of": "is the problem behind",
    "fixes": "fixes",
    "delivers": "delivers",
    "withdraws": "takes back",
    "includes": "includes",
    "duplicates": "says the same as",
    "mirrors": "is the copy of",
}


def link(desk: Desk, person: Person, one: Record, other: Record, words: tuple[str, ...] = ()) -> Message:
    """Note that two records belong together; the relation is the one that was said, or the usual one of their kinds."""
    if not desk.insider(person):
        return refused("link", "those who work on reports", desk.command)
    if one.ref == other.ref:
        return say(f"{one.key} is one record; name two.")
    made = _meant(one, other, words)
    if made is None:
        known = ", ".join(each.replace("_", " ") for each in RELATIONS)
        return say(f"How do a {one.kind} and a {other.kind} belong together? Add one of: {known}.")
    source, relation, target = made
    who = called(person)
    said = Link(source.ref, relation, target.ref, because=f"{who} said so", by=f"person:{who}")
    with desk.loop.store.write() as tx:
        said_before = said in tx.links.of(source.ref)
        new = tx.links.put([said])
        if not said_before:
            what = f"linked: {source.ref} {relation} {target.ref}"
            tx.journal([JournalEntry(tx.now(), _RULE, end.ref, what, said.because) for end in (source, target)])
        tx.outbox.plan([one for one in _written(desk, said, source, target) if not said_before])
        follow(desk.loop, tx, new)
    desk.loop.witness.noted("linked by a person", source=str(source.ref), relation=relation, target=str(target.ref))
    lead = Lead(f"{source.key} {_SAID[relation]} {target.key}: noted as your word.")
    back = Buttons(f"{UNLINK}{source.ref}|{relation}|{target.ref}", (Button("undo", "Take it back"),))
    return Message((lead, Context(f"{quoted(source.title)} and {quoted(target.title)}"), back))


def unlink(desk: Desk, person: Person, key: str) -> Message:
    """Take back what a person said of two records."""
    if not desk.insider(person):
        return refused("link", "those who work on reports", desk.command)
    first, relation, second = key.removeprefix(UNLINK).split("|", 2)
    source, target = Ref.parse(first), Ref.parse(second)
    with desk.loop.store.write() as tx:
        if not tx.links.take_back(source, relation, target):
            return say("It was taken back before.")
        because = f"{called(person)} took it back"
        what = f"no longer linked: {source} {relation} {target}"
        tx.journal([JournalEntry(tx.now(), _RULE, end, what, because) for end in (source, target)])
    return say(f"Taken back: {source.key} and {target.key} are not linked by your word any more. What was written in their systems stays; remove it there.")  # fmt: skip


def _meant(one: Record, other: Record, words: tuple[str, ...]) -> tuple[Record, Relation, Record] | None:
    """Source, relation, target."""
    spoken = " ".join(words).replace("_", " ")
    told = next((each for each in RELATIONS if each.replace("_", " ").split(" ")[0] in spoken), None)
    if told is not None and (other.kind, one.kind) in _USUAL and _USUAL[other.kind, one.kind] == told:
        return other, told, one
    if told is not None:
        return one, told, other
    if (one.kind, other.kind) in _USUAL:
        return one, _USUAL[one.kind, other.kind], other
    if (other.kind, one.kind) in _USUAL:
        return other, _USUAL[other.kind, one.kind], one
    if one.kind == other.kind:
        later, earlier = sorted((one, other), key=lambda each: (each.occurred_at, each.ref), reverse=True)
        return later, "duplicates", earlier
    return None


def _written(desk: Desk, said: Link, source: Record, target: Record) -> list[LinkTickets]:
    """The link in each of the two systems that has a place for links."""
    made = []
    for system in dict.fromkeys((source.system, target.system)):
        sink = desk.loop.sinks.get(system)
        if sink is None or LinkTickets.verb not in sink.verbs:
            continue
        far = source if target.system == system and source.system != system else target
        cause = Cause(_RULE, source.ref, f"{said.relation}:{target.ref}", because=said.because)
        made.append(
            LinkTickets(
                system=system,
                cause=cause,
                source=source.ref,
                relation=said.relation,
                target=target.ref,
                title=far.title,
                url=far.url,
            )
        )
    return made
