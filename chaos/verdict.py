"""The judge: what the servers' ledgers and rows hold against what loopbot says, after everything has healed."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chaos.process import SECRETS, Process
from chaos.truth import marks, notes, text_of
from chaos.world import World
from connectors.slack.blocks import digest
from loopbot.domain.effects import Ask, Comment, OpenTicket, Post, Tell
from loopbot.domain.records import Ref
from loopbot.ports import OutboxRow
from loopbot.sandbox.ledger import Entry
from loopbot.usecases.preview import review
from loopbot.usecases.reconcile import NEVER

SHOWN = ("parked", "held", "dropped", "shadow")
OURS = {"servicenow": "loopbot", "jira": "loopbot@example.com"}


@dataclass(frozen=True, slots=True)
class Flaw:
    """A promise that was not kept: lost, doubled, echo, stuck, mirror, secret, calls or error, and what exactly."""

    kind: str
    what: str


def judged(world: World, process: Process, words: Iterable[bytes]) -> list[Flaw]:
    """Every promise, held against the ledger."""
    with process.loop.store.read() as tx:
        rows = tx.outbox.rows(limit=100_000)
    return [
        *doubled(world, rows),
        *_lost(world, rows),
        *_stuck(rows),
        *mirrored(world, process),
        *_unplanned(process),
        *_secrets(process, words),
    ]


def open_rows(rows: Iterable[OutboxRow]) -> list[OutboxRow]:
    """Those that loopbot itself still has to do something about."""
    return [
        row
        for row in rows
        if row.state in {"planned", "sending"} or (row.state == "uncertain" and row.due_at.year < NEVER.year)
    ]


def doubled(world: World, rows: Iterable[OutboxRow]) -> Iterator[Flaw]:
    """I1: at most one effect for each identity on the server."""
    entries = world.ledger.entries()
    for key, count in Counter(mark for one in entries for mark in marks(one)).items():
        if count > 1:
            yield Flaw("doubled", f"effect {key[:8]} was done {count} times")
    wanted = Counter(
        (row.effect.target.key, text_of(row.effect, rows)) for row in rows if isinstance(row.effect, Comment)
    )
    for what, count in notes(world).items():
        if count > wanted[what]:
            yield Flaw("doubled", f"{what[0]} was told {count} times {what[1]!r}, {wanted[what]} planned")
    for number in world.incidents:
        opened = [one for one in world.ledger.entries("jira", "create") if _about(one, number)]
        if len(opened) > 1:
            yield Flaw("doubled", f"{number} has {len(opened)} issues")


def _lost(world: World, rows: list[OutboxRow]) -> Iterator[Flaw]:
    """I2: what is called settled is on the server, and every urgent incident has its issue or a reason why not."""
    marked = {mark for one in world.ledger.entries() for mark in marks(one)}
    said = notes(world)
    for row in rows:
        effect = row.effect
        if row.state != "settled":
            continue
        if isinstance(effect, Comment) and effect.system == "servicenow":
            if (effect.target.key, text_of(effect, rows)) not in said:
                yield Flaw("lost", f"comment {effect.key[:8]} on {effect.target.key} is settled and not there")
        elif isinstance(effect, OpenTicket | Comment | Post | Tell | Ask) and effect.key not in marked:
            yield Flaw("lost", f"{effect.verb} {effect.key[:8]} in {effect.system} is settled and not there")
    yield from _outdated(world, rows)
    shown = {str(row.effect.cause.subject.key) for row in rows if row.state in SHOWN or row.state == "uncertain"}
    for number in world.incidents:
        found = world.servicenow.row("incident", number)
        opened = [one for one in world.ledger.entries("jira", "create") if _about(one, number)]
        if found["priority"] in {"1", "2"} and not opened and number not in shown:
            yield Flaw("lost", f"{number} is urgent, has no issue, and nothing says why")


def _outdated(world: World, rows: list[OutboxRow]) -> Iterator[Flaw]:
    """A message that is kept current reads at last as it was planned last."""
    reads = {
        mark: str(message.metadata["event_payload"]["text"])
        for channel in world.slack.workspace.channels.values()
        for message in channel.messages.values()
        if message.metadata
        for mark in [str(message.metadata["event_payload"]["key"])]
    }
    for row in rows:
        effect = row.effect
        if row.state != "settled" or not isinstance(effect, Post) or not effect.keep_current:
            continue
        if reads.get(effect.key) != digest(effect.text):
            yield Flaw("lost", f"{effect.verb} {effect.key[:8]} is settled, and reads as it did before")


def _stuck(rows: Iterable[OutboxRow]) -> Iterator[Flaw]:
    """I8: nothing waits without a visible reason."""
    shown = {row.effect.key for row in rows if row.state in SHOWN or row.state == "uncertain"}
    for row in rows:
        if row.waits_for and all(need in shown for need in row.waits_for):
            continue
        if row.state in {"planned", "sending"} and not _behind(row, rows, shown):
            yield Flaw(
                "stuck", f"{row.effect.verb} {row.effect.key[:8]} in {row.effect.system} is {row.state}: {row.why}"
            )
        elif row.state in {"parked", "uncertain"} and not row.why:
            yield Flaw("stuck", f"{row.effect.verb} {row.effect.key[:8]} is {row.state} without a reason")
        elif row.state == "uncertain" and row.due_at.year < NEVER.year:
            yield Flaw("stuck", f"{row.effect.verb} {row.effect.key[:8]} is still looked for: {row.why}")


def _behind(row: OutboxRow, rows: Iterable[OutboxRow], shown: set[str]) -> bool:
    """Whether it waits, as it should, for one of its lane that a person has to decide on."""
    return any(
        one.effect.lane == row.effect.lane and one.number < row.number and one.state == "uncertain" for one in rows
    ) or any(need in shown for need in row.effect.needs)


def mirrored(world: World, process: Process) -> Iterator[Flaw]:
    """I3: every record of every server is mirrored in its last state, so that no cursor passed one by."""
    with process.loop.store.read() as tx:
        for table, kind in (("incident", "incident"), ("problem", "problem")):
            for row in world.servicenow.rows(table):
                found = tx.mirror.get(Ref("servicenow", kind, row["number"]))
                if found is None:
                    yield Flaw("mirror", f"{row['number']} is not mirrored")
                elif found.title != row["short_description"] or str(found.version) != row["sys_mod_count"]:
                    yield Flaw(
                        "mirror", f"{row['number']} is mirrored in version {found.version}, not {row['sys_mod_count']}"
                    )
        for issue in world.jira.issues("LOOP"):
            found = tx.mirror.get(Ref("jira", "issue", issue.key))
            if found is None:
                yield Flaw("mirror", f"{issue.key} is not mirrored")
            elif found.title != issue.summary:
                yield Flaw("mirror", f"{issue.key} is mirrored as {found.title!r}, not {issue.summary!r}")


def _unplanned(process: Process) -> Iterator[Flaw]:
    """I2: judging everything that is mirrored once more asks for nothing that is not in the outbox."""
    for one in review(process.loop):
        rule = process.loop.rules.named(one.plan.rule)
        if rule is not None and rule.repeat is not None:
            # Likeness is not transitive: who changed need not be the one around whom three are alike.
            continue
        for effect in one.new:
            yield Flaw(
                "lost", f"{effect.verb} {effect.key[:8]} of {one.plan.rule} for {one.plan.subject} was never planned"
            )


def _secrets(process: Process, words: Iterable[bytes]) -> Iterator[Flaw]:
    """I6: no secret in the database or in what was noted."""
    logged = "\n".join(process.diary.lines).encode()
    for reference, secret in SECRETS.items():
        if any(secret.encode() in piece for piece in (logged, *words)):
            yield Flaw("secret", f"what {reference} names is in the database or the log")


def _about(entry: Entry, number: str) -> bool:
    return str(entry.payload.get("summary", "")).startswith(f"{number}:")
