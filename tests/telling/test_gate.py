"""When people are told, and when not: quiet hours, mute, strangers, each with its reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loopbot.domain.errors import UserError
from loopbot.domain.messages import Dated
from loopbot.domain.people import Alias, Roster
from loopbot.domain.records import Involved, Person, Ref
from loopbot.domain.telling import Manners, Quiet
from loopbot.sandbox.faults import Fault
from loopbot.usecases.deliver import deliver
from loopbot.usecases.telling import preferences
from loopbot.usecases.telling.identity import look_again_for_strangers, strangers
from loopbot.usecases.wake import wake
from tests.support.bureau import Bureau, words_in
from tests.support.made import incident
from tests.support.systems import FakeSink


def in_chat(bureau: Bureau, person: Person) -> Person:
    """The same human as the chat knows them."""
    user = next(one for one in bureau.twin.workspace.users.values() if one.email == person.email)
    return Person("slack", user.id, user.name, user.email)


def test_quiet_hours_are_those_of_the_persons_own_zone(bureau: Bureau) -> None:
    bureau.manners = Manners(quiet=Quiet.parse("20:00-08:00"))
    berlin, tokyo = bureau.person("Ann"), bureau.person("Aiko", "Asia/Tokyo")
    bureau.clock.sleep(timedelta(hours=3).total_seconds())  # 12:00 UTC: 13:00 in Berlin, 21:00 in Tokyo
    bureau.tell(berlin, "for Ann")
    effect = bureau.tell(tokyo, "for Aiko")
    bureau.deliver()
    assert len(bureau.told(berlin)) == 1
    assert not bureau.told(tokyo)
    assert bureau.state(effect) == ("planned", "it is quiet for Aiko (20:00-08:00, Asia/Tokyo) until 08:00")
    bureau.after(hours=10, minutes=59).deliver()
    assert not bureau.told(tokyo)
    bureau.after(minutes=1).deliver()
    assert len(bureau.told(tokyo)) == 1


def test_a_person_sets_quiet_hours_and_zone_for_themselves(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    preferences.quiet(bureau.loop, in_chat(bureau, ann), "10:00-12:00", "Europe/London")
    effect = bureau.after(hours=1, minutes=30).tell(ann, "at half past ten in London")
    bureau.deliver()
    assert "Europe/London) until 12:00" in bureau.state(effect)[1]
    bureau.after(hours=1, minutes=30).deliver()
    assert len(bureau.told(ann)) == 1


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        ("22:00-07:00", (23, 0), (7, 0)),
        ("22:00-07:00", (6, 59), (7, 0)),
        ("22:00-07:00", (7, 0), None),
        ("12:00-13:00", (12, 30), (13, 0)),
        ("12:00-13:00", (13, 0), None),
    ],
)
def test_quiet_hours_may_go_over_midnight(hours: str, at: tuple[int, int], until: tuple[int, int] | None) -> None:
    now = datetime(2026, 3, 2, *at, tzinfo=UTC)
    found = Quiet.parse(hours).until(now, "UTC")
    assert (found and (found.hour, found.minute)) == until
    assert found is None or now < found < now + timedelta(days=1)


def test_quiet_hours_hold_over_the_change_of_the_clocks() -> None:
    # On 29 March 2026 the clocks of Berlin went from 2:00 to 3:00.
    found = Quiet.parse("22:00-07:00").until(datetime(2026, 3, 28, 22, 30, tzinfo=UTC), "Europe/Berlin")
    assert found == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


def test_whoever_mutes_is_not_told_and_the_outbox_says_so(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    preferences.mute(bureau.loop, in_chat(bureau, ann))
    effect = bureau.tell(ann, "unheard")
    bureau.deliver()
    assert bureau.state(effect) == ("dropped", "Ann has muted loopbot")
    preferences.unmute(bureau.loop, in_chat(bureau, ann))
    bureau.tell(ann, "heard")
    bureau.after(minutes=20).deliver()
    assert len(bureau.told(ann)) == 1


def test_one_record_can_be_muted_and_a_mute_can_end(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    preferences.mute(bureau.loop, in_chat(bureau, ann), Ref("servicenow", "incident", "INC7"))
    bureau.tell(ann, "about another", 8)
    muted = bureau.tell(ann, "about the muted one", 7)
    bureau.deliver()
    assert bureau.state(muted) == ("dropped", "Ann has muted INC7")
    assert len(bureau.told(ann)) == 1
    preferences.mute(bureau.loop, in_chat(bureau, ann), until=bureau.clock.now() + timedelta(days=1))
    gone = bureau.after(hours=1).tell(ann, "on holiday")
    bureau.deliver()
    assert "muted loopbot until 2026-03-03" in bureau.state(gone)[1]
    bureau.after(days=1).tell(ann, "back")
    bureau.deliver()
    assert len(bureau.told(ann)) == 2


def test_what_cannot_be_wanted_is_refused_with_what_to_write(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    with pytest.raises(UserError, match="write 22:00-07:00"):
        preferences.quiet(bureau.loop, ann, "late")
    with pytest.raises(UserError, match="Europe/Berlin"):
        preferences.in_zone(bureau.loop, ann, "Middle/Earth")
    with pytest.raises(UserError, match="longer than a day"):
        preferences.digest(bureau.loop, ann, timedelta(days=2))


def test_what_somebody_said_can_be_listed(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    ref = Ref("jira", "issue", "LOOP-1")
    preferences.follow(bureau.loop, in_chat(bureau, ann), ref)
    preferences.digest(bureau.loop, in_chat(bureau, ann), timedelta(hours=1))
    found = preferences.preferences(bureau.loop, in_chat(bureau, ann))
    assert found.follows == (ref,)
    assert found.wishes.digest == timedelta(hours=1)
    preferences.unfollow(bureau.loop, in_chat(bureau, ann), ref)
    assert not preferences.preferences(bureau.loop, in_chat(bureau, ann)).follows


def test_a_stranger_is_listed_and_never_guessed(bureau: Bureau) -> None:
    bureau.person("Ann Lee")
    effect = bureau.tell(Person("servicenow", "id-9", "Ann Lee", None), "whose?")
    other = bureau.tell(Person("servicenow", "id-10", "Bo", "bo@elsewhere.example"), "whose?")
    bureau.deliver()
    assert not bureau.posts()
    assert bureau.state(effect)[0] == bureau.state(other)[0] == "parked"
    listed = {one.acquaintance.who: one for one in strangers(bureau.loop)}
    assert listed["servicenow:id-9"].waiting == 1
    assert "Ann Lee has no e-mail address" in listed["servicenow:id-9"].acquaintance.why
    assert "nobody in Slack has the e-mail bo@elsewhere.example" in listed["bo@elsewhere.example"].acquaintance.why


def test_once_the_team_writes_down_who_a_stranger_is_what_waited_goes_out(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    old = Person("jira", "712020:3b1c", "ann.lee", "a.lee@former.example")
    effect = bureau.tell(old, "from another time")
    bureau.deliver()
    assert bureau.state(effect)[0] == "parked"
    bureau.roster = Roster([Alias("Ann", "ann@example.com", also=frozenset({"a.lee@former.example"}))])
    assert look_again_for_strangers(bureau.loop).released == 1
    bureau.deliver()
    assert len(bureau.told(ann)) == 1
    assert not strangers(bureau.loop)


def test_an_explicit_id_goes_before_the_e_mail(bureau: Bureau) -> None:
    bureau.person("Ann")
    other = bureau.twin.add_user("Ann at work", "work@example.com")
    bureau.roster = Roster([Alias("Ann", "ann@example.com", ids={"slack": other})])
    bureau.tell(Person("servicenow", "1", "Ann", "ann@example.com"), "to the id")
    bureau.deliver()
    assert len(bureau.twin.messages(other)) == 1


def test_one_name_can_not_stand_for_two_people() -> None:
    with pytest.raises(ValueError, match="jira:1 stands for two people"):
        Roster([Alias("A", "a@x.example", ids={"jira": "1"}), Alias("B", "b@x.example", ids={"jira": "1"})])


def test_who_left_is_shown_and_not_written_to(bureau: Bureau) -> None:
    user = bureau.twin.add_user("Gone", "gone@example.com")
    bureau.twin.remove_user(user)
    bureau.roster = Roster([Alias("Gone", "gone@example.com", ids={"slack": user})])
    effect = bureau.tell(Person("servicenow", "1", "Gone", "gone@example.com"), "hello?")
    bureau.deliver()
    assert bureau.state(effect)[0] == "parked"
    assert "deactivated" in bureau.state(effect)[1]


def test_people_are_looked_up_once_and_not_again_after_a_restart(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    bureau.tell(ann, "one")
    bureau.deliver()
    bureau.restart()
    bureau.after(hours=1).tell(ann, "two")
    bureau.deliver()
    asked = [path for _, _, path, _ in bureau.twin.ledger.requests("slack")]
    assert asked.count("/api/users.lookupByEmail") == 1
    assert len(bureau.told(ann)) == 2
    bureau.after(days=8).tell(ann, "three")
    bureau.deliver()
    asked = [path for _, _, path, _ in bureau.twin.ledger.requests("slack")]
    assert asked.count("/api/users.lookupByEmail") == 2, "after a week it is looked at again who they are"


def test_while_the_chat_does_not_answer_nobody_counts_as_unknown(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    bureau.twin.faults.add(Fault("status", "lookupByEmail", times=50, status=503))
    effect = bureau.tell(ann, "later")
    bureau.deliver()
    assert bureau.state(effect)[0] == "planned"
    assert not strangers(bureau.loop)
    bureau.twin.faults.clear()
    bureau.after(hours=1).deliver()
    assert len(bureau.told(ann)) == 1


CUSTOMER = Person("servicenow", "c1", "Cora", "cora@customer.example")


def test_a_customer_outside_the_chat_reads_it_on_their_own_ticket_once(bureau: Bureau) -> None:
    tickets = FakeSink()
    bureau.sinks["servicenow"] = tickets
    mine = incident(7, people=(Involved("reporter", CUSTOMER),))
    bureau.mirrored(mine)
    effect = bureau.tell(CUSTOMER, "It works again.", comment_instead=True)
    with bureau.store.write() as tx:
        tx.outbox.drop(effect.key, "planned for another ticket")
    own = replace(effect, about=mine.ref, cause=replace(effect.cause, subject=mine.ref))
    bureau.plan(own)
    assert bureau.deliver().systems == {"servicenow"}
    for _ in range(3):
        deliver(bureau.loop, "servicenow")
        bureau.after(hours=2).deliver()
    [comment] = tickets.ledger
    assert comment.effect.verb == "comment"
    assert getattr(comment.effect, "audience", "") == "public"
    assert getattr(comment.effect, "text", "").startswith("It works again.")
    assert bureau.state(own)[0] == "dropped"
    assert "told by a comment on INC0000007" in bureau.state(own)[1]


def test_somebody_elses_ticket_is_not_commented_on(bureau: Bureau) -> None:
    tickets = FakeSink()
    bureau.sinks["servicenow"] = tickets
    theirs = incident(7, people=(Involved("reporter", Person("servicenow", "x", "Xi", "xi@customer.example")),))
    bureau.mirrored(theirs)
    effect = bureau.tell(CUSTOMER, "It works again.", comment_instead=True)
    own = replace(effect, about=theirs.ref, cause=replace(effect.cause, subject=theirs.ref))
    bureau.plan(own)
    bureau.deliver()
    assert bureau.state(own)[0] == "parked"
    assert not tickets.ledger


def test_once_a_day_a_channel_reads_in_one_line_what_was_not_sent(bureau: Bureau) -> None:
    bureau.twin.add_channel("operations")
    bureau.manners = Manners(quiet=Quiet.parse("09:00-20:00"), report_to="operations", report_at=(12, 0))
    ann = bureau.person("Ann")
    bureau.tell(ann, "waits")
    bureau.tell(Person("servicenow", "9", "Nobody", None), "whose?")
    bureau.deliver()
    wake(bureau.loop)
    assert not bureau.twin.messages("operations"), "its hour has not come"
    bureau.after(hours=3, minutes=1)
    for _ in range(3):
        wake(bureau.loop)
        bureau.deliver()
    [message] = bureau.twin.messages("operations")
    said = words_in(message.blocks)
    assert "1 message waiting (it is quiet for Ann (09:00-20:00, Europe/Berlin) until 20:00)" in said
    assert "1 message stuck (Nobody has no e-mail address to be found by; add the person to people.toml)" in said
    bureau.after(hours=24)
    wake(bureau.loop)
    bureau.deliver()
    assert len(bureau.twin.messages("operations")) == 1, "nothing new was held back: nothing is said"


def dates_in(node: Any) -> list[dict[str, Any]]:
    """The points in time that Slack shows each reader in their own zone."""
    if isinstance(node, dict):
        return [node] if node.get("type") == "date" else [one for value in node.values() for one in dates_in(value)]
    return [one for each in node for one in dates_in(each)] if isinstance(node, list) else []


def test_a_point_in_time_reads_in_the_readers_own_zone_and_what_others_wrote_stays_as_it_is(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    moment, words = datetime(2026, 11, 28, 13, 5, tzinfo=UTC), "28 Nov 2026, 13:05 UTC"
    text = f'Fixed since {words}: "broken at {words}"\n• again {words}'
    where = (len("Fixed since "), text.rindex(words))
    bureau.tell(ann, text, dated=tuple(Dated(start, words, moment) for start in where))
    bureau.deliver()
    [told] = bureau.told(ann)
    assert [one["timestamp"] for one in dates_in(told.blocks)] == [int(moment.timestamp())] * 2
    assert words_in(told.blocks).count(words) == 1, "whoever wrote it wrote it so"
    assert text.split("\n", maxsplit=1)[0] in told.text, "a notification says it in UTC"


def test_a_point_in_time_that_no_longer_stands_there_is_left_alone(bureau: Bureau) -> None:
    ann = bureau.person("Ann")
    moment, words = datetime(2026, 11, 28, 13, 5, tzinfo=UTC), "28 Nov 2026, 13:05 UTC"
    bureau.tell(ann, f"Fixed since {words}", dated=(Dated(5, words, moment), Dated(9_000, words, moment)))
    bureau.deliver()
    [told] = bureau.told(ann)
    assert not dates_in(told.blocks)
    assert words in words_in(told.blocks)
