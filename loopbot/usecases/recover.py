"""Taking over what a process that is certainly gone left behind."""

from loopbot.usecases.loop import Loop


def take_over(loop: Loop) -> int:
    """End every lease, take on what was heard, and call every effect that was on its way uncertain; returns how many. Only for who is alone on a store.

    They are looked for a little later, as after any lost answer: the last write of a killed process may still be on its way.
    """
    with loop.store.write() as tx:
        tx.leases.clear()
        tx.heard.orphan()
        lost = tx.outbox.abandon(alone=True, look_in=loop.waits.look)
    if lost:
        loop.witness.noted("deliveries of a stopped process are uncertain now", effects=lost)
    return lost
