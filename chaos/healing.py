"""After everything has healed: the loop is driven until it is quiet, what was said in vain is said again, and it is judged."""

from collections import Counter
from typing import TYPE_CHECKING

from chaos.heard import heard
from chaos.verdict import Flaw, judged, mirrored, open_rows
from loopbot.domain.effects import Tell

if TYPE_CHECKING:
    from chaos.simulate import Run

OVERLAP = 300.0
# For so long what was heard is its hearer's to do, by a clock that was perhaps set back by an hour meanwhile.
HEARERS = 3700.0


def heal(run: "Run") -> None:
    """Nothing fails any more; what is left to do is done, what was said in vain is said again, and the judge looks."""
    for faults in run.world.faults.values():
        faults.clear()
    run.arrivals(all_of_them=True)
    run.healed = True
    run.tell("everything heals")
    for one in list(run.processes):
        while one.busy is not None:
            run.resume(one)
    run.true.sleep(run.weather.index_lag + 60)
    run.world.jira.index_lag = 0
    _drain(run)
    _all_is_said(run)
    if run.weather.index_lag < OVERLAP - 100:
        run.outcome.flaws += mirrored(run.world, run.processes[0])
    for one in run.processes[:1]:
        for stream in one.sources:
            run.now(one, f"sweep:{stream}")
    _drain(run)
    _stays_quiet(run)
    run.outcome.flaws += judged(run.world, run.processes[0], run.databases.words())
    run.outcome.flaws += heard(run.world, run.processes[0], run.presses)
    with run.processes[0].loop.store.read() as tx:
        rows = tx.outbox.rows(limit=100_000)
    run.outcome.effects = Counter(row.state for row in rows)
    run.outcome.tells = sum(isinstance(row.effect, Tell) for row in rows)
    run.outcome.presses = run.presses.made.total()


def _all_is_said(run: "Run") -> None:
    """What was acked is done, whoever died; who pressed in vain all the same (the question had changed) presses again."""
    for _ in range(5):
        while run.presses.waiting:
            run.now(run.processes[0], "hear")
            run.true.sleep(2)
        run.true.sleep(HEARERS)
        run.now(run.processes[0], "resume")
        _drain(run)
        with run.processes[0].loop.store.read() as tx:
            # Where Slack does not say who pressed, or takes no answer, they are told to press again, if they can be told.
            if run.weather.network == run.weather.faults == 0:
                run.outcome.flaws += [Flaw("lost", lost) for lost in run.presses.lost(tx)]
            again = run.presses.again(tx)
        if not again:
            return
        for told in again:
            run.tell(told)


def _drain(run: "Run") -> None:
    """Everything the bells would ring, until nothing is left to do."""
    for number in range(60):
        before, run.barred = len(run.world.ledger.entries()), False
        _everything(run)
        with run.processes[0].loop.store.read() as tx:
            waiting = open_rows(tx.outbox.rows(limit=100_000)) or tx.questions.unasked(1)
        if not waiting and not run.barred and len(run.world.ledger.entries()) == before:
            return
        run.true.sleep(70 if number < 20 else 400)


def _stays_quiet(run: "Run") -> None:
    """I4 and I7: in a quiet world nothing more is written, and little is asked."""
    before = len(run.world.ledger.entries())
    for _ in range(2):
        run.true.sleep(120)
        calls = run.outcome.calls
        _everything(run)
        most = 30
        if run.outcome.calls - calls > most:
            run.outcome.flaws.append(Flaw("calls", f"a quiet round made {run.outcome.calls - calls} calls"))
    for entry in run.world.ledger.entries()[before:]:
        run.outcome.flaws.append(Flaw("echo", f"{entry.system} {entry.action} {entry.key} in a quiet world"))


def _everything(run: "Run") -> None:
    one = run.processes[0]
    for work in one.works:
        if not work.startswith("sweep"):
            run.now(one, work)
