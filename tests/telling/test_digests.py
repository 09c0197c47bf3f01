"""Many tells, one message: exactly once under every fault, judged by the workspace's own ledger."""

from dataclasses import replace
from datetime import timedelta

import pytest

from loopbot.domain.telling import Manners
from loopbot.sandbox.faults import Fault
from tests.support.bureau import Bureau, keys_in, words_in

POSTING = r"POST /api/chat\.postMessage"


def test_what_is_due_for_one_person_is_one_message_with_its_own_words_and_buttons(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    effects = [bureau.tell(ann, f"What you reported is fixed: export {number}") for number in range(3)]
    assert bureau.deliver().settled == 3
    [message] = bureau.told(ann)
    assert "News about 3 things" in words_in(message.blocks)
    for number in range(3):
        assert f"export {number}" in words_in(message.blocks)
    buttons = [block for block in message.blocks if block["type"] == "actions"]
    assert len({block["block_id"] for block in buttons}) == 3
    assert [effect.key in str(block) for effect, block in zip(effects, buttons, strict=True)] == [True] * 3
    with bureau.store.read() as tx:
        receipts = [tx.outbox.get(effect.key).receipt for effect in effects]  # type: ignore[union-attr]
    assert len({receipt.ident for receipt in receipts if receipt}) == 1
    assert [receipt.key for receipt in receipts if receipt] == [effect.key for effect in effects]


def test_the_first_goes_out_at_once_and_the_rest_of_the_window_in_one(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    bureau.tell(ann, "first")
    bureau.deliver()
    later = [bureau.after(minutes=1).tell(ann, f"later {number}") for number in range(3)]
    bureau.deliver()
    assert len(bureau.told(ann)) == 1
    for effect in later:
        state, why = bureau.state(effect)
        assert state == "planned"
        assert "Ann was written to at 10:00; gathered with what else comes until 10:10" in why
    bureau.after(minutes=8).deliver()
    assert len(bureau.told(ann)) == 2
    assert all(f"later {number}" in words_in(bureau.told(ann)[1].blocks) for number in range(3))


def test_without_a_window_what_is_due_together_is_still_one_message(bureau: Bureau) -> None:
    bureau.manners = Manners(digest=timedelta(0))
    ann = bureau.person("Ann")
    bureau.tell(ann, "one")
    bureau.deliver()
    bureau.tell(ann, "two")
    bureau.tell(ann, "three")
    bureau.deliver()
    assert len(bureau.told(ann)) == 2


def test_a_lost_answer_to_a_digest_is_found_again_for_all_of_it(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    effects = [bureau.tell(ann, f"text {number}") for number in range(4)]
    bureau.twin.faults.add(Fault("lose_answer", POSTING))
    assert bureau.deliver().uncertain == 1
    bureau.restart()
    bureau.after(minutes=1).deliver()
    assert len(bureau.posts()) == 1, "nothing behind an uncertain message may go out"
    assert bureau.reconcile().found == 1
    bureau.deliver()
    assert len(bureau.posts()) == 1
    assert {bureau.state(effect)[0] for effect in effects} == {"settled"}


@pytest.mark.parametrize("kind", ["refuse", "status"])
def test_a_digest_that_certainly_was_not_sent_is_sent_again_whole(bureau: Bureau, kind: str) -> None:
    ann = bureau.person("Ann")
    effects = [bureau.tell(ann, f"text {number}") for number in range(3)]
    bureau.twin.faults.add(Fault(kind, POSTING, status=429, headers={"Retry-After": "3"}))  # type: ignore[arg-type]
    bureau.deliver()
    more = bureau.tell(ann, "came meanwhile")
    for _ in range(6):
        bureau.after(minutes=1).reconcile()
        bureau.deliver()
    [payload] = bureau.posts()
    assert keys_in(payload) == {effect.key for effect in [*effects, more]}


def test_a_process_that_dies_between_sending_and_noting_sends_nothing_twice(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    effects = [bureau.tell(ann, f"text {number}") for number in range(3)]
    sink = bureau.loop.sinks["slack"]
    with bureau.store.write() as tx:
        [claimed] = tx.outbox.claim("slack", "a process that dies", 60, 20)
        whole = tx.outbox.gather(claimed, tx.outbox.beside(claimed, 11))
    sink.apply([whole])
    bureau.restart()
    bureau.after(minutes=5).deliver()
    assert bureau.reconcile().found == 1
    bureau.deliver()
    assert len(bureau.posts()) == 1
    assert {bureau.state(effect)[0] for effect in effects} == {"settled"}


def test_a_process_that_dies_after_gathering_leaves_nothing_unsent(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    effects = [bureau.tell(ann, f"text {number}") for number in range(3)]
    with bureau.store.write() as tx:
        [claimed] = tx.outbox.claim("slack", "a process that dies", 60, 20)
        tx.outbox.gather(claimed, tx.outbox.beside(claimed, 11))
    bureau.after(minutes=5).deliver()
    assert bureau.reconcile().absent == 1
    bureau.deliver()
    [payload] = bureau.posts()
    assert keys_in(payload) == {effect.key for effect in effects}


def test_one_that_is_refused_parks_itself_alone(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    effects = [bureau.tell(ann, f"text {number}") for number in range(3)]
    # The message of three is refused, and so is the second of the three by itself.
    refusal = b'{"ok": false, "error": "invalid_blocks"}'
    bureau.twin.faults.add(Fault("body", POSTING, status=200, body=refusal))
    bureau.twin.faults.add(Fault("body", POSTING, status=200, body=refusal, skip=1))
    bureau.manners = Manners(digest=timedelta(0))
    before = len(bureau.posts())
    bureau.deliver()
    states = [bureau.state(effect)[0] for effect in effects]
    assert states == ["settled", "parked", "settled"]
    assert before == 0


def test_a_person_who_confirms_a_digest_confirms_all_of_it(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    effects = [bureau.tell(ann, f"text {number}") for number in range(3)]
    bureau.twin.faults.add(Fault("lose_answer", POSTING))
    bureau.deliver()
    with bureau.store.write() as tx:
        assert tx.outbox.confirm(effects[0].key, "I saw it")
    bureau.after(hours=1).deliver()
    assert len(bureau.posts()) == 1
    assert {bureau.state(effect)[0] for effect in effects} == {"settled"}


def test_five_hundred_announcements_for_sixty_people_cost_at_most_125_calls(bureau: Bureau) -> None:
    people = [bureau.person(f"P{number}") for number in range(60)]
    before = bureau.calls()
    for number in range(500):
        bureau.tell(people[number % 60], f"What you reported works again: ticket {number}")
    bureau.deliver()
    bureau.after(minutes=11).deliver()
    calls = bureau.calls() - before
    assert calls <= 125, calls
    told = [keys_in(payload) for payload in bureau.posts()]
    assert sum(map(len, told)) == len(set().union(*told)) == 500


def test_what_does_not_fit_into_one_message_goes_into_the_next(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    for number in range(30):
        bureau.tell(ann, f"number {number} " + "x" * 900)
    bureau.deliver()
    for _ in range(10):
        bureau.after(minutes=11).deliver()
    told = [keys_in(payload) for payload in bureau.posts()]
    assert sum(map(len, told)) == len(set().union(*told)) == 30
    assert max(map(len, told)) <= 12


def test_a_press_under_one_part_answers_that_part_alone(bureau: Bureau) -> None:
    from connectors.slack import blocks

    ann = bureau.person("Ann")
    effects = [bureau.tell(ann, f"text {number}") for number in range(2)]
    bureau.deliver()
    [message] = bureau.told(ann)
    values = [
        element["value"] for block in message.blocks if block["type"] == "actions" for element in block["elements"]
    ]
    assert {press.key for value in values if (press := blocks.pressed(value))} == {effect.key for effect in effects}


def test_bursts_in_a_channel_become_one_message_and_the_hour_has_its_measure(bureau: Bureau) -> None:
    bureau.twin.add_channel("ops")
    bureau.manners = Manners(channel_per_hour=4, burst=5)
    for number in range(7):
        bureau.post("ops", f"burst {number}")
    bureau.deliver()
    assert len(bureau.posts()) == 1
    for number in range(6):
        bureau.post("ops", f"more {number}")
        bureau.deliver()
    assert len(bureau.posts()) == 4
    with bureau.store.read() as tx:
        waiting = tx.outbox.rows({"planned"})
    assert len(waiting) == 3
    assert "#ops had 4 messages within an hour; gathered until 10:00 UTC" in waiting[-1].why
    bureau.after(minutes=61).deliver()
    told = [keys_in(payload) for payload in bureau.posts()]
    assert sum(map(len, told)) == len(set().union(*told)) == 13


def test_what_is_posted_about_a_ticket_again_goes_to_the_thread_of_its_first_message(bureau: Bureau) -> None:
    bureau.twin.add_channel("ops")
    bureau.manners = Manners(threads=True)
    bureau.post("ops", "it is down", 7)
    bureau.deliver()
    bureau.post("ops", "another ticket", 8)
    effect = bureau.post("ops", "it is up again", 7)
    bureau.twin.faults.add(Fault("lose_answer", POSTING, skip=1))
    bureau.deliver()
    bureau.after(minutes=1).reconcile()
    bureau.deliver()
    first, other, second = bureau.posts()
    assert second["thread_ts"] == first["ts"]
    assert other["thread_ts"] is None
    assert bureau.state(effect)[0] == "settled", "a lost answer in a thread is found in the thread"


def test_two_processes_share_a_message_out_only_once(bureau: Bureau) -> None:
    from loopbot.usecases.deliver import deliver

    ann = bureau.person("Ann")
    effects = [bureau.tell(ann, f"text {number}") for number in range(3)]
    with bureau.store.write() as tx:
        [claimed] = tx.outbox.claim("slack", "slow", 60, 20)
        whole = tx.outbox.gather(claimed, tx.outbox.beside(claimed, 11))
    deliver(replace(bureau.loop, holder="two"), "slack")
    assert not bureau.posts()
    receipt = bureau.loop.sinks["slack"].apply([whole])[0]
    with bureau.store.write() as tx:
        assert tx.outbox.settle("slow", whole, receipt)  # type: ignore[arg-type]
    deliver(replace(bureau.loop, holder="two"), "slack")
    assert len(bureau.posts()) == 1
    assert {bureau.state(effect)[0] for effect in effects} == {"settled"}
