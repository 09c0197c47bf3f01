"""The commands of the chat, through the real store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from loopbot.domain.effects import Cause, Comment, LinkTickets, OpenTicket, Tell
from loopbot.domain.forms import Filled, Form, Wrong
from loopbot.domain.questions import Option, Question
from loopbot.domain.records import Article, Person, Problem
from loopbot.domain.rootcause import written
from loopbot.domain.speech import Buttons, Heard, Message, Select, plain
from loopbot.domain.workarounds import version_of
from loopbot.usecases.absorb import absorb
from loopbot.usecases.deliver import deliver
from loopbot.usecases.listen import Conversation
from tests.conversation.conftest import MARA, MARA_IN_CHAT, OPS, TOM, Chat, incident, ref
from tests.support.made import at


def planned(chat: Chat) -> list[object]:
    with chat.loop.store.read() as tx:
        return [row.effect for row in reversed(tx.outbox.rows())]


def test_a_status_tells_the_whole_way_who_has_it_and_what_comes_next(chat: Chat) -> None:
    said = chat.said("status inc12345")
    for told in (
        "The fix for “The export hangs at 80 percent” is in staging, and not yet in production.",
        "Who has it: Ines Moreau (LOOP-7)",
        "Next: It comes to production with a later deployment; whoever reported it is told then.",
        "Run the export after 22:00.",
        "Ticket INC0012345",
        "Problem PRB0000001 Export locks the orders table: known error",
        "Issue LOOP-7",
        "Commits up to abcdef12 (3 commits since 1234567)",
        "Deployed to staging: succeeded",
        "Suspected cause CHG0000042 Upgrade the export: closed",
        "1 other reported the same",
    ):
        assert told in said, (told, said)


def test_a_reporter_reads_of_their_own_ticket_and_nothing_internal(chat: Chat) -> None:
    said = chat.said("status INC0012345", MARA_IN_CHAT)
    assert "Who has it: Priya Nair of Shop" in said
    assert "Ines Moreau" not in said
    assert "Commits" not in said
    assert "same service, finished" not in said
    assert "Priority" not in said


def test_the_status_follows_what_happens(chat: Chat) -> None:
    chat.move("LOOP-7", state="done")
    assert "and not yet in production" in chat.said("status INC0012345")
    with chat.loop.store.read() as tx:
        [staged] = tx.mirror.find("77")
    item = staged.links[0]
    source = replace(staged.ref, key="78")
    live = replace(
        staged,
        ref=source,
        ident="78",
        environment="production",
        finished_at=at(60),
        links=(replace(item, source=source),),
    )  # type: ignore[call-arg]
    chat.put(live)
    said = chat.said("status INC0012345")
    assert "is fixed in production since 2026-03-02 10:00 UTC" in said
    assert "Runs in production, staging" in said
    chat.move("LOOP-7", state="wont_do", deployed_to=frozenset())


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("new", "has been heard; nobody has taken it yet"),
        ("on_hold", "is on hold"),
        ("resolved", "is resolved"),
        ("cancelled", "was cancelled"),
    ],
)
def test_a_ticket_alone_tells_how_it_stands(chat: Chat, state: str, said: str) -> None:
    chat.put(incident(30000, state=state, title="Alone"))
    assert f"“Alone” {said}" in chat.said("INC0030000")


@pytest.mark.parametrize(
    "key", ["PRB0000001", "LOOP-7", "CHG0000042", "77", "FBK0000001", "github:deployment:77", "jira:release:LOOP-R5"]
)
def test_every_kind_of_record_has_a_status(chat: Chat, key: str) -> None:
    with chat.loop.store.read() as tx:
        record = (tx.mirror.find(key) or tx.mirror.find(key.rsplit(":", maxsplit=1)[-1]))[0]
    said = chat.said(f"status {record.ref}")
    assert (record.title if record.kind == "deployment" else record.key) in said


def test_why_shows_the_rules_to_those_who_work_on_it(chat: Chat) -> None:
    assert "No rule looks at a incident" in chat.said("why INC0012345") or "What the rules make of" in chat.said(
        "why INC0012345"
    )


def test_an_unknown_ticket_is_told_with_those_that_are_called_nearly_so(chat: Chat) -> None:
    assert "INC0012354 is not known here. Did you mean one of these?" in chat.said("status INC0012354")
    assert "Is it in a system that loopbot reads?" in chat.said("status XYZ-99")


def test_what_is_no_command_gets_the_nearest_and_the_help(chat: Chat) -> None:
    assert "“staus” was read as status." in chat.said("staus INC0012345")
    assert "Did you mean follow?" in chat.said("folow INC0012345")
    said = chat.said("flibbertigibbet")
    assert "“flibbertigibbet” is not something loopbot can be asked." in said
    assert "/loop status INC0012345" in said
    assert "What loopbot can be asked" in chat.said("")
    assert "queue" not in chat.said("help", MARA_IN_CHAT)
    assert "retry EFFECT" in chat.said("help", OPS)


def test_a_button_that_says_a_command_is_answered_like_the_command(chat: Chat) -> None:
    answer = chat.talk.answer(TOM, "say", "status INC0012345")
    assert isinstance(answer, Message)
    assert "INC0012345" in plain(answer)


def test_a_link_is_a_persons_word_written_down_once_and_taken_back(chat: Chat) -> None:
    assert "is for those who work on reports" in chat.said("link INC0020000 CHG0000042", MARA_IN_CHAT)
    answer = chat.talk.command(TOM, "link CHG0000042 with INC0020000")
    assert isinstance(answer, Message)
    assert "INC0020000 was caused by CHG0000042: noted as your word." in plain(answer)
    chat.said("link INC0020000 CHG0000042")
    with chat.loop.store.read() as tx:
        [record] = tx.mirror.find("INC0020000")
        [found] = tx.links.of(record.ref)
    assert (found.relation, found.by, found.target.key) == ("caused_by", "person:Tom Brandt", "CHG0000042")
    assert [type(one) for one in planned(chat)] == [LinkTickets]
    key = answer.blocks[-1].key  # type: ignore[union-attr]
    assert "Taken back" in plain(chat.talk.answer(TOM, key, "undo"))  # type: ignore[arg-type]
    assert "taken back before" in plain(chat.talk.answer(TOM, key, "undo"))  # type: ignore[arg-type]
    with chat.loop.store.read() as tx:
        assert tx.links.of(record.ref) == []


def test_a_relation_may_be_said_and_is_asked_for_where_it_is_not_plain(chat: Chat) -> None:
    assert "How do a change and a issue belong together?" in chat.said("link CHG0000042 LOOP-7")
    assert "INC0012346 says the same as INC0012345" in chat.said("link INC0012345 INC0012346")
    assert "is one record" in chat.said("link INC0012345 INC12345")
    assert "Link it with what?" in chat.said("link INC0012345")


def test_words_after_feedback_become_one_ticket_in_the_words_of_the_person(chat: Chat) -> None:
    hostile = "feedback <!channel> the *export* hangs <https://evil.example|https://bank.example>"
    assert "It is noted, in your words." in chat.said(hostile, MARA_IN_CHAT)
    assert "noted before" in chat.said(hostile, MARA_IN_CHAT)
    [effect] = planned(chat)
    assert isinstance(effect, OpenTicket)
    assert (effect.system, effect.kind, effect.place, effect.reporter) == (
        "servicenow",
        "feedback",
        "u_feedback",
        MARA_IN_CHAT,
    )
    assert effect.title == "!channel the *export* hangs https://evil.example"
    deliver(chat.loop, "servicenow")
    assert len(chat.loop.sinks["servicenow"].ledger) == 1  # type: ignore[attr-defined]


def test_feedback_without_words_asks_for_them_in_a_form(chat: Chat) -> None:
    form = chat.form("feedback", MARA_IN_CHAT)
    assert [one.name for one in form.fields] == ["words", "topic"]
    wrong = chat.talk.submitted(MARA_IN_CHAT, Filled("feedback", {"words": "  "}))
    assert isinstance(wrong, Wrong)
    chat.talk.submitted(MARA_IN_CHAT, Filled("feedback", {"words": "It hangs", "topic": "bug"}))
    [effect] = planned(chat)
    assert isinstance(effect, OpenTicket)
    assert effect.fields == (("u_topic", "bug"),)


def test_where_no_place_is_configured_people_are_told_so(chat: Chat) -> None:
    bare = Conversation(chat.loop)
    answer = bare.command(MARA_IN_CHAT, "feedback it hangs")
    assert isinstance(answer, Message)
    assert "whoever runs loopbot names one under [feedback]" in plain(answer)


def heard(text: str = "The export hangs again", author: Person | None = MARA_IN_CHAT) -> Heard:
    return Heard("slack", "T1/C1", "17.5", text, author, "https://slack.example/archives/C1/p175")


def test_one_message_is_one_feedback_whoever_points_at_it_and_how(chat: Chat) -> None:
    form = chat.talk.shortcut(TOM, "feedback", heard())
    assert isinstance(form, Form)
    assert form.fields[0].initial == "The export hangs again"  # type: ignore[union-attr]
    said = chat.talk.submitted(
        TOM, Filled("feedback", {"words": "The export hangs again, for all"}, context=form.context)
    )
    assert isinstance(said, Message)
    assert "in the words of Mara Lindqvist" in plain(said)
    assert chat.talk.reaction(OPS, "bulb", heard()) is not None
    assert chat.talk.reaction(OPS, "tada", heard()) is None
    [effect] = planned(chat)
    assert isinstance(effect, OpenTicket)
    assert effect.reporter == MARA_IN_CHAT
    assert "https://slack.example/archives/C1/p175" in effect.text
    assert "Brought here by Tom Brandt." in effect.text


def test_a_message_becomes_an_incident_and_what_may_help_is_said_at_once(chat: Chat) -> None:
    chat.put(
        *(incident(40000 + number, title=f"Unlike {number}", text="Something else entirely.") for number in range(30))
    )
    form = chat.talk.shortcut(TOM, "incident", heard("Export locks the orders table again"))
    assert isinstance(form, Form)
    filled = Filled("incident", {"title": "Export locks the orders table", "words": ""}, context=form.context)
    said = chat.talk.submitted(TOM, filled)
    assert isinstance(said, Message)
    assert "Run the export after 22:00." in plain(said)
    key = next(block.key for block in said.blocks if getattr(block, "key", "").startswith("helped:"))  # type: ignore[union-attr]
    chat.talk.answer(MARA_IN_CHAT, key, "yes")
    chat.talk.answer(MARA_IN_CHAT, key, "yes")
    with chat.loop.store.read() as tx:
        [problem] = tx.mirror.find("PRB0000001")
        assert [one.what for one in tx.journal_of(problem.ref) if one.rule == "self-help"] == ["helped: yes"]
    assert "What was offered meanwhile helped 1 of 1 person who said." in chat.said("loop")


def test_what_may_help_holds_nothing_that_nobody_released_and_nothing_internal(chat: Chat) -> None:
    chat.put(
        *(incident(40000 + number, title=f"Unlike {number}", text="Something else entirely.") for number in range(30)),
        incident(50000, title="Export locks the orders table", text="INTERNAL: my password is x", state="closed", extra={"close_notes": "INTERNAL: db01"}),
    )  # fmt: skip
    assert "Run the export after 22:00." in chat.said("report Export locks the orders table", MARA_IN_CHAT)
    with chat.loop.store.write() as tx:
        [problem] = tx.mirror.find("PRB0000001")
        assert isinstance(problem, Problem)
        asked = Question(kind="workaround", subject=problem.ref, text="May they?", options=(Option("public", "Yes"),), audience="operators", about=version_of(problem))  # fmt: skip
        tx.questions.put([asked], at(9_999))
    said = chat.said("report Export locks the orders table!", MARA_IN_CHAT)
    assert "It is reported." in said
    for hidden in ("Run the export after 22:00.", "INTERNAL", "db01", "password"):
        assert hidden not in said
    with chat.loop.store.write() as tx:
        tx.questions.answer(asked.key, "public", "", "person:Ops")
    assert "Run the export after 22:00." in chat.said("report Export locks the orders table!!", MARA_IN_CHAT)
    chat.move("PRB0000001", workaround="INTERNAL: log in as admin")
    assert "INTERNAL" not in chat.said("report Export locks the orders table!!!", MARA_IN_CHAT)


def test_a_message_is_linked_to_a_ticket_as_an_internal_note(chat: Chat) -> None:
    form = chat.talk.shortcut(TOM, "attach", heard("see INC0012345"))
    assert isinstance(form, Form)
    assert form.fields[0].initial == "INC0012345"  # type: ignore[union-attr]
    assert isinstance(chat.talk.submitted(TOM, Filled("attach", {"ticket": "nope"}, context=form.context)), Wrong)
    chat.talk.submitted(TOM, Filled("attach", {"ticket": "inc12345"}, context=form.context))
    chat.talk.submitted(TOM, Filled("attach", {"ticket": "inc12345"}, context=form.context))
    [effect] = planned(chat)
    assert isinstance(effect, Comment)
    assert effect.audience == "internal"
    assert "Mara Lindqvist wrote in the chat:\nsee INC0012345" in effect.text


def test_an_acknowledgement_reaches_the_reporter_once(chat: Chat) -> None:
    assert "is for those who work" in chat.said("ack INC0012345", MARA_IN_CHAT)
    assert "INC0012345 is acknowledged; Mara Lindqvist is told." in chat.said("ack INC0012345: on it")
    assert "acknowledged already" in chat.said("ack INC0012345", OPS)
    assert "only what somebody reported" in chat.said("ack PRB0000001")
    assert "Nobody could be told" not in chat.said("ack INC0020000")
    told, comment = planned(chat)
    assert isinstance(told, Tell)
    assert told.person == MARA
    assert "on it" in told.text
    assert isinstance(comment, Comment)
    assert comment.audience == "public"


def test_home_shows_a_reporter_their_reports_and_insiders_what_is_asked_of_them(chat: Chat) -> None:
    own = chat.talk.home(MARA_IN_CHAT)
    assert "The export hangs at 80 percent" in plain(own)
    assert "Please export to Parquet” is planned" in plain(own)
    assert "Waiting for an answer" not in plain(own)
    assert any(isinstance(one, Select) for one in own.blocks)
    ops = plain(chat.talk.home(OPS))
    assert "Nothing is asked of you." in ops
    assert "LOOP-R5 Shop 5.0: planned, 2026-06-01" in ops
    assert "Your reports" in chat.said("mine", MARA_IN_CHAT)
    assert "Nothing is asked of you." in chat.said("queue")


def test_what_keeps_coming_back_is_counted(chat: Chat) -> None:
    said = chat.said("recurring")
    assert "1 matter keeps coming back" in said
    assert "2 incidents: Export locks the orders table (known error; there is a way around it)" in said


def test_a_root_cause_is_shown_to_those_who_work_on_it_and_to_nobody_else(chat: Chat) -> None:
    with chat.loop.store.write() as tx:
        [problem] = tx.mirror.find("PRB0000001")
        asked = Question(
            kind="root_cause",
            subject=problem.ref,
            text="What is it?",
            options=(Option("fill", "Fill in"),),
            audience="problem_managers",
        )
        tx.questions.put([asked], at(9_999))
        told = written({"information": "The export holds one lock for an hour"})
        tx.questions.answer(asked.key, "fill", told, "person:Priya Nair", final=False)
    said = chat.said("status INC0012345")
    assert "Root cause" in said
    assert "Information and technology: The export holds one lock for an hour" in said
    assert "Priya Nair" in said
    for hidden in ("Root cause", "holds one lock"):
        assert hidden not in chat.said("status INC0012345", MARA_IN_CHAT)
        assert hidden not in chat.said("status PRB0000001", MARA_IN_CHAT)
    with chat.loop.store.write() as tx:
        [answer] = tx.questions.answers(asked.key)
        tx.questions.undo(answer.number, "person:Priya Nair")
    assert "Root cause" not in chat.said("status INC0012345")


def test_releases_before_and_after_now(chat: Chat) -> None:
    chat.loop.clock.sleep(3600)  # type: ignore[attr-defined]
    said = chat.said("release")
    assert "Next is Shop 5.0, planned for 2026-06-01." in said
    assert "shop 4.2 to staging: succeeded; brings LOOP-7" in said


def test_the_four_keys_of_an_environment_with_what_they_are_made_of(chat: Chat) -> None:
    chat.loop.clock.sleep(3600)  # type: ignore[attr-defined]
    assert "Environments with deployments: staging" in chat.said("dora")
    said = chat.said("dora staging 7 days")
    assert "Deployments: 1 (1.0 a week)" in said
    assert "Lead time: 12 minutes, the median of 1 deployment" in said
    assert "Change failure rate: 0% (0 of 1)" in said
    chat.move("INC0012346", resolved_at=at(42), opened_at=at(12))
    chat.said("link INC0012346 github:deployment:77")
    said = chat.said("dora staging export")
    assert "Change failure rate: 100% (1 of 1)" in said
    assert "Time to restore: 30 minutes" in said
    assert "Export of orders stops" in said


def test_the_loop_is_measured_from_heard_to_confirmed(chat: Chat) -> None:
    chat.loop.clock.sleep(timedelta(days=1).total_seconds())  # type: ignore[attr-defined]
    chat.said("ack INC0012345")
    said = chat.said("loop 30")
    assert "0 of 4 reports of the last 30 days came full circle (0%)" in said
    assert "2 (50%) decided" in said
    assert "2 wait for a first answer" in said or "wait for the fix" in said


def test_a_shared_address_of_a_ticket_gets_one_quiet_line(chat: Chat) -> None:
    ident = f"{12345:032x}"
    shared = [
        f"https://it.example.com/nav_to.do?uri=incident.do%3Fsys_id%3D{ident}",
        "https://x.atlassian.net/browse/LOOP-7",
        "https://it.example.com/PRB0000001",
        "https://nowhere.example/ABC-1",
    ]
    said = chat.talk.link_shared(TOM, shared)
    assert list(said.values()) == [
        "Incident INC0012345: The export hangs at 80 percent (in progress)",
        "Issue LOOP-7: Do not lock the table while exporting (in review, runs in staging)",
        "Problem PRB0000001 (known error)",
    ]


def test_a_delivery_is_heard_once_also_by_another_node(chat: Chat) -> None:
    other = Conversation(chat.loop)
    assert chat.talk.first("slack:command:1")
    assert not other.first("slack:command:1")


def test_people_follow_and_mute_in_the_words_they_type(chat: Chat) -> None:
    assert "You hear what becomes of INC0012345." in chat.said("follow inc12345", MARA_IN_CHAT)
    with chat.loop.store.read() as tx:
        [record] = tx.mirror.find("INC0012345")
        assert tx.people.followers([record.ref]) == {record.ref: ["mara@example.com"]}
    assert "no longer" in chat.said("unfollow INC0012345", MARA_IN_CHAT)
    assert "until 2026-03-05 09:00 UTC" in chat.said("mute 3 days", MARA_IN_CHAT)
    assert "until 2026-03-06 06:00 UTC" in chat.said("mute until friday", MARA_IN_CHAT)
    assert "until you say /loop unmute" in chat.said("mute", MARA_IN_CHAT)
    assert "You hear what concerns you again." in chat.said("unmute", MARA_IN_CHAT)
    assert "nothing more about INC0012345" in chat.said("mute INC0012345", MARA_IN_CHAT)
    assert "about INC0012345 again" in chat.said("unmute INC0012345", MARA_IN_CHAT)
    assert "Which ticket?" in chat.said("follow", MARA_IN_CHAT)


def test_did_it_help_is_counted_and_does_not_count_as_fixed(chat: Chat) -> None:
    with chat.loop.store.write() as tx:
        [record] = tx.mirror.find("INC0012345")
        asked = Tell(
            system="slack",
            cause=Cause("acknowledge-report", record.ref, "1"),
            person=MARA,
            text="This may help",
            about=record.ref,
            question="helped",
            buttons=(("yes", "That helped"), ("no", "It did not")),
        )
        tx.outbox.plan([asked])
    assert "it is counted" in plain(chat.talk.answer(MARA_IN_CHAT, asked.key, "yes"))  # type: ignore[arg-type]
    with chat.loop.store.read() as tx:
        assert [one.what for one in tx.journal_of(record.ref)] == ["helped: yes"]
        assert tx.progress.helped(at(-10)) == (1, 1)


def test_an_answer_that_did_not_help_is_offered_no_more(chat: Chat) -> None:
    words = "Export locks the orders table"
    assert "This may help meanwhile:" in chat.said(f"report {words}", MARA_IN_CHAT)
    problem = ref("problem", "PRB0000001")
    for number in range(3):
        person = Person("slack", f"U5{number}", f"Person {number}", f"p{number}@example.com")
        chat.talk.answer(person, f"helped:{problem}", "no")
        chat.talk.answer(person, f"helped:{problem}", "no")
        offered = "This may help meanwhile:" in chat.said(f"report {words} {number}", MARA_IN_CHAT)
        assert offered == (number < 2)
    chat.talk.answer(Person("slack", "U60", "One"), f"helped:{problem}", "yes")
    with chat.loop.store.read() as tx:
        assert tx.progress.helped_by(problem) == (1, 3)


def offered_by_a_rule(chat: Chat, text: str) -> Tell:
    with chat.loop.store.write() as tx:
        [record] = tx.mirror.find("INC0012345")
        absorb(chat.loop, tx, [replace(record, title="Export locks the orders table", updated_at=at(50))])
        asked = Tell(system="slack", cause=Cause("acknowledge-report", record.ref, "1"), person=MARA, text=text, about=record.ref, question="helped", buttons=(("yes", "That helped"), ("no", "It did not")))  # fmt: skip
        tx.outbox.plan([asked])
    return asked


def test_what_a_rule_offered_is_credited_to_what_it_was_taken_from(chat: Chat) -> None:
    asked = offered_by_a_rule(chat, "This may help until it is fixed: Run the export after 22:00.")
    for _ in range(2):
        chat.talk.answer(MARA_IN_CHAT, asked.key, "no")
    with chat.loop.store.read() as tx:
        assert tx.progress.helped_by(ref("problem", "PRB0000001")) == (0, 1)
        assert tx.progress.helped(at(-10)) == (0, 1), "one person said so, once"


def test_what_was_edited_since_it_was_offered_is_credited_with_nothing(chat: Chat) -> None:
    asked = offered_by_a_rule(chat, "Run it on Sunday.")
    chat.talk.answer(MARA_IN_CHAT, asked.key, "no")
    with chat.loop.store.read() as tx:
        assert tx.progress.helped_by(ref("problem", "PRB0000001")) == (0, 0)
        assert tx.progress.helped(at(-10)) == (0, 1), "it is still counted as said"


def test_an_article_is_offered_by_its_title_which_leads_there_and_counts_whether_it_helped(chat: Chat) -> None:
    chat.put(_article("KB0010001", "Reset your VPN token", "Open the portal and press <!channel> Reset."))
    said = chat.talk.command(MARA_IN_CHAT, "report VPN token can not be reset")
    assert isinstance(said, Message)
    shown = repr(said)
    assert (
        "Address(url='https://it.example.com/kb_view.do?sysparm_article=KB0010001', label='Reset your VPN token')"
        in shown
    )
    assert "Quote(words='Open the portal and press <!channel> Reset.')" in shown, "text from outside is text"
    article = ref("article", "KB0010001")
    for number, answer in enumerate(("yes", "no")):
        person = Person("slack", f"U7{number}", f"Person {number}", f"q{number}@example.com")
        chat.talk.answer(person, f"helped:{article}", answer)
    with chat.loop.store.read() as tx:
        assert tx.progress.helped_by(article) == (1, 1)


def test_what_was_offered_is_credited_though_a_better_article_came_since(chat: Chat) -> None:
    chat.put(_article("KB1", "Reset the VPN token", "Press Reset."))
    with chat.loop.store.write() as tx:
        [record] = tx.mirror.find("INC0012345")
        absorb(chat.loop, tx, [replace(record, title="VPN token can not be reset", text="", updated_at=at(50))])
        told = "Reset the VPN token\nPress Reset.\n" + _address("KB1")
        asked = Tell(system="slack", cause=Cause("acknowledge-report", record.ref, "1"), person=MARA, text=f"This may help: {told}", about=record.ref, question="helped", buttons=(("yes", "That helped"), ("no", "It did not")))  # fmt: skip
        tx.outbox.plan([asked])
    chat.put(_article("KB2", "VPN token can not be reset", "Ask for a new one."))
    chat.talk.answer(MARA_IN_CHAT, asked.key, "yes")
    with chat.loop.store.read() as tx:
        assert tx.progress.helped_by(ref("article", "KB1")) == (1, 0)
        assert tx.progress.helped_by(ref("article", "KB2")) == (0, 0)


def test_a_question_is_answered_before_anything_is_reported(chat: Chat) -> None:
    chat.put(_article("KB1", "Reset your VPN token", "Open the portal and press Reset."))
    before = len(planned(chat))
    told = chat.said("ask how do I reset my VPN token?", MARA_IN_CHAT)
    assert "This is written down about it: Reset your VPN token" in told
    assert "Open the portal and press Reset." in told
    assert "That helped" in told
    assert "/loop report" in told
    assert len(planned(chat)) == before, "nothing is opened for a question"


def test_a_question_that_nothing_answers_can_be_reported_by_one_press(chat: Chat) -> None:
    said = chat.talk.command(MARA_IN_CHAT, "ask where do I park <my> bicycle")
    assert isinstance(said, Message)
    assert "Nothing that is known here answers “where do I park <my> bicycle”." in plain(said)
    (buttons,) = [one for one in said.blocks if isinstance(one, Buttons)]
    assert [(one.answer, one.label) for one in buttons.buttons] == [
        ("report where do I park <my> bicycle", "Report it")
    ]
    assert "Ask what? For example: /loop ask" in chat.said("ask", MARA_IN_CHAT)
    assert "Report it" not in chat.said("ask " + "wherefore " * 200, MARA_IN_CHAT), (
        "what fits no button is not cut in silence"
    )


def _address(number: str) -> str:
    return f"https://it.example.com/kb_view.do?sysparm_article={number}"


def _article(number: str, title: str, text: str) -> Article:
    return Article(
        ref=ref("article", number), ident=number, title=title, text=text, state="published", updated_at=at(0), number=number, url=_address(number)
    )  # fmt: skip
