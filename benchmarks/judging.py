"""How many conditions are asked in a second, and how many effects go from plan to proof."""

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from benchmarks.figures import Figure, Spent, best, spent
from benchmarks.ingesting import Everything, at_work
from benchmarks.material import changed, incidents, rulebook
from loopbot.domain.effects import Cause, Comment, Effect
from loopbot.domain.events import Changed
from loopbot.domain.judging import concerned
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.views import View
from loopbot.ports import EffectState
from loopbot.usecases.deliver import deliver

RECORDS, EFFECTS, ROUNDS = 5_000, 2_000, 3


@dataclasses.dataclass(frozen=True, slots=True)
class Willing(Everything):
    """A sink that says yes to everything at once."""

    def apply(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """Each is done."""
        return [
            Receipt(one.effect.key, dataclasses.replace(one.effect.cause.subject, kind="comment")) for one in deliveries
        ]


def measure() -> list[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory(prefix="loopbot-bench-") as folder:
        rules = rulebook(Path(folder) / "rules")
    before = incidents(RECORDS)
    events = [Changed(new, old) for new, old in zip(changed(before), before, strict=True)]
    waking = rules.waking_for("incident")

    def asked() -> Spent:
        with at_work(Rulebook(())) as loop, loop.store.read() as tx, spent() as took:
            for event in events:
                for _ in concerned(waking, event, cast("View", tx), lambda _rule, _ref: False):
                    pass
        return took

    effects: list[Effect] = [
        Comment(system="servicenow", cause=Cause("note", one.ref, "1"), target=one.ref, text=f"Seen: {one.title}")
        for one in before[:EFFECTS]
    ]

    def settled() -> Spent:
        with at_work(Rulebook(()), {"servicenow": Willing()}) as loop:
            planned: EffectState = "planned"
            with loop.store.write() as tx:
                tx.mirror.put(before[:EFFECTS])
                tx.outbox.plan(effects, planned)
            with spent() as took:
                done = deliver(loop, "servicenow")
        if done.settled != EFFECTS:
            message = f"{done.settled} of {EFFECTS} effects were delivered"
            raise RuntimeError(message)
        return took

    questions, deliveries = best(ROUNDS, asked), best(ROUNDS, settled)
    return [
        Figure("Conditions asked", RECORDS * len(waking) / questions.wall, "a second", note="one thread"),
        Figure(
            "Effects claimed, sent and settled",
            EFFECTS / deliveries.wall,
            "a second",
            note="batches of 50 to a sink that takes no time; each settled in a transaction of its own, on the disk",
        ),
    ]
