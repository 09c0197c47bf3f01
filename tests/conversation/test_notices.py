"""What somebody hears, when and how often: seen and changed in the chat, on the home tab, and held to when people are told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from loopbot.domain.forms import ChoiceField, Filled, Form, TextField, Wrong
from loopbot.domain.speech import Message, plain
from loopbot.domain.telling import Manners, Quiet
from loopbot.usecases.listen import Conversation
from loopbot.usecases.telling.preferences import preferences
from tests.conversation.conftest import MARA_IN_CHAT, PLACES, ROLES, Chat

DAY = timedelta(days=1)


@pytest.fixture
def mannered(chat: Chat) -> Chat:
    manners = Manners(digest=timedelta(minutes=10), quiet=Quiet.parse("22:00-07:00"), zone="Europe/Berlin")
    loop = replace(chat.loop, manners=manners)
    return Chat(loop, Conversation(loop, ROLES, PLACES))


def filled(chat: Chat, **values: str) -> Message | Wrong:
    given = {"hear": "all", "gather": "as_all", "quiet": "", "zone": ""} | values
    return chat.talk.submitted(MARA_IN_CHAT, Filled("notices", given))


def initials(form: Form) -> dict[str, str]:
    return {one.name: one.initial for one in form.fields if isinstance(one, ChoiceField | TextField)}


@pytest.mark.parametrize("typed", ["notices", "Quiet hours", "my settings", "Benachrichtigungen bitte"])
def test_the_form_shows_what_holds_and_what_holds_for_everybody(mannered: Chat, typed: str) -> None:
    form = mannered.form(typed, MARA_IN_CHAT)
    assert initials(form) == {"hear": "all", "gather": "as_all", "quiet": "", "zone": ""}
    assert "as for everybody (22:00-07:00)" in str(form)
    assert "what comes within 10 minutes is gathered" in str(form)
    assert "that of your profile (Europe/Berlin)" in str(form)


def test_what_is_filled_in_holds_and_stands_in_the_form_again(mannered: Chat) -> None:
    said = filled(mannered, gather="86400", quiet="18:00-09:00", zone="America/New_York")
    assert isinstance(said, Message)
    assert "You are left alone 18:00-09:00 (America/New_York)." in plain(said)
    assert "what follows within 1 day is gathered" in plain(said)
    wishes = preferences(mannered.loop, MARA_IN_CHAT).wishes
    assert (str(wishes.quiet), wishes.zone, wishes.digest) == ("18:00-09:00", "America/New_York", DAY)
    form = mannered.form("notices", MARA_IN_CHAT)
    assert initials(form) == {"hear": "all", "gather": "86400", "quiet": "18:00-09:00", "zone": "America/New_York"}
    filled(mannered)
    again = preferences(mannered.loop, MARA_IN_CHAT)
    assert (again.wishes.quiet, again.wishes.digest, again.zone) == (None, None, "Europe/Berlin")


def test_a_mistake_is_said_in_its_field_and_nothing_is_kept(mannered: Chat) -> None:
    said = filled(mannered, gather="0", quiet="late", zone="Mars/Olympus")
    assert isinstance(said, Wrong)
    assert "write 22:00-07:00" in said.errors["quiet"]
    assert "Europe/Berlin" in said.errors["zone"]
    assert preferences(mannered.loop, MARA_IN_CHAT).wishes.digest is None


def test_hearing_nothing_is_the_same_as_mute_and_a_mute_for_a_while_is_kept(mannered: Chat) -> None:
    filled(mannered, hear="nothing", quiet="never")
    assert "You hear nothing until you say /loop unmute." in plain(mannered.talk.home(MARA_IN_CHAT))
    assert preferences(mannered.loop, MARA_IN_CHAT).wishes.never_quiet
    mannered.said("mute 3d", MARA_IN_CHAT)
    until = preferences(mannered.loop, MARA_IN_CHAT).wishes.muted_until
    filled(mannered, hear="nothing")
    assert preferences(mannered.loop, MARA_IN_CHAT).wishes.muted_until == until
    filled(mannered)
    assert preferences(mannered.loop, MARA_IN_CHAT).wishes.muted_until is None


def test_the_home_tab_says_what_holds_what_is_followed_and_what_is_muted(mannered: Chat) -> None:
    mannered.said("follow INC0020000", MARA_IN_CHAT)
    mannered.said("mute INC0012346", MARA_IN_CHAT)
    told = plain(mannered.talk.home(MARA_IN_CHAT))
    for line in ("My notices", "You hear everything", "left alone 22:00-07:00 (Europe/Berlin)", "Followed: INC0020000", "Muted: INC0012346", "[Change…]"):  # fmt: skip
        assert line in told, (line, told)
    assert isinstance(mannered.talk.answer(MARA_IN_CHAT, "say", "notices"), Form)
