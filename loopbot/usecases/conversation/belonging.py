"""Which tickets tell of the same pain, said in a chat: `/loop same`, `/loop apart`, a button under a cluster; taken back at will."""

from collections.abc import Sequence
from typing import Final

from loopbot.domain.errors import UserError
from loopbot.domain.forms import Filled, Form, TextField, Wrong
from loopbot.domain.phrasing import counted
from loopbot.domain.records import Person, Record, Ref
from loopbot.domain.speech import Button, Buttons, Context, Lead, Message, Paragraph, say
from loopbot.domain.texts import listed
from loopbot.ports import JournalEntry, Tx
from loopbot.usecases import recurring
from loopbot.usecases.conversation.desk import Desk, called, quoted, refused
from loopbot.usecases.conversation.finding import meant
from loopbot.usecases.conversation.reading import tickets_in
from loopbot.usecases.gathered import last_look

APART: Final = "apart"
"""The form that asks which tickets of a cluster do not belong."""
NOT_THE_SAME: Final = "not-the-same:"
"""What the key of the button under a cluster begins with; the cluster's latest ticket follows."""
UNSAY: Final = "unsay:"
"""What the key of the button that takes it back begins with; the tickets follow, in two heaps."""
_RULE: Final = "recurring"
_LONGEST_KEY: Final = 1_500
_WHOM: Final = "problem managers"
_MOST_NAMED: Final = 6


def may_say(desk: Desk, person: Person) -> bool:
    """Whether somebody may say which tickets belong together."""
    return desk.roles.belongs(person, "problem_managers")


def same(desk: Desk, person: Person, tickets: Sequence[Record]) -> Message:
    """They are one pain."""
    return _said(desk, person, "same", tickets, tickets)


def apart(desk: Desk, person: Person, tickets: Sequence[Record]) -> Message:
    """The first is another pain than the others."""
    return _said(desk, person, "apart", tickets[:1], tickets[1:])


def form(desk: Desk, person: Person, key: str) -> Form | Message:
    """Asks which tickets of a cluster do not belong."""
    if not may_say(desk, person):
        return refused("apart", _WHOM, desk.command)
    latest = Ref.parse(key.removeprefix(NOT_THE_SAME))
    with desk.loop.store.read() as tx:
        members = _members(tx, latest)
    if len(members) < 2:
        return say("That has been looked at anew meanwhile; it is no longer seen like this.")
    names = ", ".join(one.key for one in members)
    field = TextField("which", "Which of them do not belong?", "Their keys, such as " + ", ".join(one.key for one in members[:2]))  # fmt: skip
    return Form(APART, "Not the same", (field,), "Save", (Paragraph(f"{counted(len(members), 'ticket')}: {names}"),), str(latest))  # fmt: skip


def submitted(desk: Desk, person: Person, filled: Filled) -> Message | Wrong:
    """Those that were named are another pain than the rest of the cluster."""
    if not may_say(desk, person):
        return refused("apart", _WHOM, desk.command)
    with desk.loop.store.read() as tx:
        members = {one.ref: one for one in _members(tx, Ref.parse(filled.context))}
        named = [one for typed in tickets_in(filled.value("which")) for one in meant(tx, typed).found]
    out = [members[one.ref] for one in named if one.ref in members]
    strangers = [one.key for one in named if one.ref not in members]
    if not out or strangers:
        what = f"{strangers[0]} is" if strangers else "That is"
        return Wrong({"which": f"{what} not one of them: {', '.join(one.key for one in members.values())}"[:250]})
    rest = [one for ref, one in members.items() if one not in out]
    if not rest:
        return Wrong({"which": "Then nothing is left that they could be another pain than."})
    return _said(desk, person, "apart", out, rest)


def unsay(desk: Desk, person: Person, key: str) -> Message:
    """Take back what was said of them."""
    if not may_say(desk, person):
        return refused("same", _WHOM, desk.command)
    some, others = ([Ref.parse(one) for one in heap.split("|")] for heap in key.removeprefix(UNSAY).split("||"))
    with desk.loop.store.write() as tx:
        records = tx.mirror.many({*some, *others})
        number = recurring.unsay(desk.loop, tx, [records[one] for one in some if one in records], [records[one] for one in others if one in records])  # fmt: skip
        if not number:
            return say("It was taken back before.")
        _note(tx, person, [*records.values()], "taken back: which tickets belong together")
    return say("Taken back: nobody says any more whether they belong together; loopbot judges by their words again.")


def _said(desk: Desk, person: Person, verb: str, some: Sequence[Record], others: Sequence[Record]) -> Message:
    if not may_say(desk, person):
        return refused(verb, _WHOM, desk.command)
    by = f"person:{person.email or called(person)}"
    try:
        with desk.loop.store.write() as tx:
            if verb == "same":
                recurring.merge(desk.loop, tx, some, by)
            else:
                recurring.split(desk.loop, tx, some, others, by)
            _note(tx, person, [*some, *others], f"said to be {'the same' if verb == 'same' else 'apart'}")
    except UserError as error:
        return say(f"{str(error).rstrip('.')}. For example: {desk.command} {verb} INC0012345 INC0012346")
    if verb == "same":
        lead = f"{_keys(some)} tell of the same pain: noted as your word."
    else:
        lead = f"{_keys(some)} {'is' if len(some) == 1 else 'are'} no longer counted with {_keys(others)}: noted as your word."
    key = f"{UNSAY}{'|'.join(str(one.ref) for one in some)}||{'|'.join(str(one.ref) for one in others)}"
    back = (Buttons(key, (Button("undo", "Take it back"),)),) if len(key) <= _LONGEST_KEY else ()
    titles = " · ".join(quoted(one.title, 60) for one in [*{one.ref: one for one in [*some, *others]}.values()][:3])
    return Message((Lead(lead), Context(f"{titles}. The rules look at them again."), *back))


def _members(tx: Tx, latest: Ref) -> list[Record]:
    """The tickets of the cluster that holds this one, as it was last seen, the earliest first."""
    look = last_look(tx)
    seen = next((one for one in look.clusters if latest in one.members), None) if look else None
    records = tx.mirror.many(seen.members) if seen else {}
    return [records[ref] for ref in (seen.members if seen else ()) if ref in records]


def _keys(records: Sequence[Record]) -> str:
    keys = [one.key for one in records]
    more = [f"{len(keys) - _MOST_NAMED} more"] if len(keys) > _MOST_NAMED else []
    return listed([*keys[:_MOST_NAMED], *more])


def _note(tx: Tx, person: Person, records: Sequence[Record], what: str) -> None:
    because = f"{called(person)} said so in the chat"
    tx.journal([JournalEntry(tx.now(), _RULE, one.ref, what, because) for one in {one.ref: one for one in records}.values()])  # fmt: skip
