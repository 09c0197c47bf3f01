"""The Slack twin's Web API, asked by Slack's own client over real HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from loopbot.sandbox.faults import Fault
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import Served, served
from loopbot.sandbox.slack import APP_TOKEN, BOT_TOKEN, BOT_USER, SCOPES, SlackTwin, links, notified, seen

META = {"event_type": "loopbot_effect", "event_payload": {"key": "abc"}}


class Desk:
    """One server for all tests of the file: starting and stopping one takes longer than most tests."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def desk() -> Iterator[tuple[Desk, Served]]:
    app = Desk()
    with served(app) as server:
        yield app, server


@pytest.fixture
def twin(desk: tuple[Desk, Served]) -> SlackTwin:
    made = SlackTwin(Ledger())
    desk[0].app = made.app
    return made


@pytest.fixture
def server(desk: tuple[Desk, Served], twin: SlackTwin) -> Served:
    return desk[1]


def client_of(server: Served, token: str = BOT_TOKEN) -> WebClient:
    return WebClient(token=token, base_url=server.url + "/api/", retry_handlers=[], timeout=5)


@pytest.fixture
def client(server: Served) -> WebClient:
    return client_of(server)


def error_of(call: SlackApiError) -> str:
    return str(call.response["error"])


def test_a_message_is_kept_as_it_was_posted_and_the_ledger_knows_it(twin: SlackTwin, client: WebClient) -> None:
    channel = twin.add_channel("ops")
    posted = client.chat_postMessage(channel=channel, text="It works again.", metadata=META, unfurl_links=False)
    kept = twin.messages("#ops")[0]
    assert (kept.ts, kept.text, kept.metadata) == (posted["ts"], "It works again.", META)
    assert kept.flags["unfurl_links"] in (False, "0")
    entry = twin.ledger.entries("slack", "post")[0]
    assert (entry.kind, entry.key, entry.actor, entry.payload["ts"]) == ("message", channel, BOT_USER, posted["ts"])
    assert entry.payload["metadata"] == META


def test_stamps_are_unique_and_grow_even_when_the_clock_stands_still() -> None:
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    twin = SlackTwin(Ledger(), now=lambda: moment)
    stamps = [twin.workspace.stamp() for _ in range(50)]
    assert all(one < other for one, other in pairwise(stamps))


def test_history_shows_metadata_only_when_asked_and_pages_by_cursor(twin: SlackTwin, client: WebClient) -> None:
    channel = twin.add_channel("ops")
    for number in range(5):
        client.chat_postMessage(channel=channel, text=f"number {number}", metadata=META)
    plain = client.conversations_history(channel=channel)
    assert "metadata" not in plain["messages"][0]
    found, cursor, pages = [], None, 0
    while cursor != "":
        page = client.conversations_history(channel=channel, limit=2, cursor=cursor, include_all_metadata=True)
        found += page["messages"]
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
        pages += 1
        assert page["has_more"] == bool(cursor)
    assert pages == 3
    assert [one["text"] for one in found] == [f"number {number}" for number in (4, 3, 2, 1, 0)]
    assert all(one["metadata"] == META for one in found)


def test_history_bounds_are_open_unless_inclusive(twin: SlackTwin, client: WebClient) -> None:
    channel = twin.add_channel("ops")
    stamps = [client.chat_postMessage(channel=channel, text=str(n))["ts"] for n in range(3)]
    bounds = {"channel": channel, "oldest": stamps[0], "latest": stamps[2]}
    assert [one["ts"] for one in client.conversations_history(**bounds)["messages"]] == [stamps[1]]
    assert len(client.conversations_history(**bounds, inclusive=True)["messages"]) == 3


def test_a_thread_reads_parent_first_and_stays_out_of_the_history(twin: SlackTwin, client: WebClient) -> None:
    channel = twin.add_channel("ops")
    parent = client.chat_postMessage(channel=channel, text="parent")["ts"]
    reply = client.chat_postMessage(channel=channel, text="reply", thread_ts=parent)["ts"]
    client.chat_postMessage(channel=channel, text="a reply to the reply", thread_ts=reply)
    texts = [one["text"] for one in client.conversations_replies(channel=channel, ts=parent)["messages"]]
    assert texts == ["parent", "reply", "a reply to the reply"]
    history = client.conversations_history(channel=channel)["messages"]
    assert [(one["text"], one["reply_count"]) for one in history] == [("parent", 2)]


def test_an_update_changes_the_message_and_drops_blocks_that_are_not_repeated(
    twin: SlackTwin, client: WebClient
) -> None:
    channel = twin.add_channel("ops")
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": "old"}}]
    ts = client.chat_postMessage(channel=channel, text="old", blocks=blocks, metadata=META)["ts"]
    client.chat_update(channel=channel, ts=ts, text="new")
    kept = twin.messages(channel)[0]
    assert (kept.text, kept.blocks, kept.metadata) == ("new", [], META)
    assert kept.edited_ts is not None
    assert [entry.action for entry in twin.ledger.entries("slack")] == ["post", "amend"]
    client.chat_delete(channel=channel, ts=ts)
    assert twin.messages(channel) == []


def test_only_the_bots_own_messages_can_be_changed(twin: SlackTwin, client: WebClient) -> None:
    ada = twin.add_user("Ada", "ada@example.com")
    channel = twin.add_channel("ops", [ada])
    said = twin.say(ada, channel, "mine", ack_within=None)
    with pytest.raises(SlackApiError, match="cant_update_message"):
        client.chat_update(channel=channel, ts=said.ts, text="yours")
    with pytest.raises(SlackApiError, match="message_not_found"):
        client.chat_update(channel=channel, ts="1.000001", text="nobody's")


def test_a_direct_message_reaches_the_person_by_conversation_or_by_user_id(twin: SlackTwin, client: WebClient) -> None:
    ada = twin.add_user("Ada", "ada@example.com")
    first = client.conversations_open(users=[ada])["channel"]["id"]
    again = client.conversations_open(users=ada)
    assert (again["channel"]["id"], again["already_open"]) == (first, True)
    client.chat_postMessage(channel=first, text="one")
    client.chat_postMessage(channel=ada, text="two")
    assert [one.text for one in twin.messages(ada)] == ["one", "two"]


def test_people_are_found_by_address_whatever_its_case_and_not_after_they_left(
    twin: SlackTwin, client: WebClient
) -> None:
    ada = twin.add_user("Ada", "Ada@Example.com")
    found = client.users_lookupByEmail(email="ada@example.COM")["user"]
    assert (found["id"], found["tz"]) == (ada, "Europe/Berlin")
    twin.remove_user(ada)
    with pytest.raises(SlackApiError, match="users_not_found"):
        client.users_lookupByEmail(email="ada@example.com")
    assert client.users_info(user=ada)["user"]["deleted"]


def test_lists_come_in_pages_whose_end_is_the_empty_cursor(twin: SlackTwin, client: WebClient) -> None:
    names = [f"team-{number}" for number in range(5)]
    for name in names:
        twin.add_channel(name)
    twin.add_channel("secret", private=True, bot=False)
    twin.archive("team-1")
    found, cursor = [], None
    while cursor != "":
        page = client.conversations_list(limit=2, cursor=cursor, exclude_archived=True)
        found += [one["name"] for one in page["channels"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert found == ["team-0", "team-2", "team-3", "team-4"]
    for number in range(4):
        twin.add_user(f"user {number}", f"u{number}@example.com")
    first = client.users_list(limit=3)
    rest = client.users_list(limit=3, cursor=first["response_metadata"]["next_cursor"])
    assert len(first["members"] + rest["members"]) == 5
    assert rest["response_metadata"]["next_cursor"] == ""


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-forged", "invalid_auth"), (APP_TOKEN, "not_allowed_token_type")],
)
def test_a_wrong_token_is_told_what_is_wrong_with_status_200(server: Served, token: str, error: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.get(server.url + "/api/auth.test", headers=headers, timeout=5)
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})


def test_a_revoked_token_says_so(twin: SlackTwin, client: WebClient) -> None:
    assert client.auth_test()["user_id"] == BOT_USER
    twin.revoke(BOT_TOKEN)
    with pytest.raises(SlackApiError, match="token_revoked"):
        client.auth_test()


def test_a_missing_scope_is_named_and_the_header_lists_what_there_is() -> None:
    twin = SlackTwin(Ledger(), scopes=SCOPES - {"users:read.email"})
    with served(twin.app) as server:
        client = client_of(server)
        with pytest.raises(SlackApiError) as caught:
            client.users_lookupByEmail(email="ada@example.com")
        assert (error_of(caught.value), caught.value.response["needed"]) == ("missing_scope", "users:read.email")
        scopes = client.auth_test().headers["x-oauth-scopes"].split(",")
    assert "chat:write" in scopes
    assert "users:read.email" not in scopes


def test_places_the_bot_may_not_see_or_post_to_are_refused(twin: SlackTwin, client: WebClient) -> None:
    hidden = twin.add_channel("hidden", private=True, bot=False)
    foreign = twin.add_channel("foreign", bot=False)
    for channel, error in ((hidden, "channel_not_found"), ("C404", "channel_not_found"), (foreign, "not_in_channel")):
        with pytest.raises(SlackApiError, match=error):
            client.chat_postMessage(channel=channel, text="hello")
    client.conversations_join(channel=foreign)
    client.chat_postMessage(channel=foreign, text="hello")
    assert len(twin.messages(foreign)) == 1
    assert len(twin.ledger.entries("slack", "post")) == 1


def test_texts_that_are_too_long_or_empty_are_refused(twin: SlackTwin, client: WebClient) -> None:
    channel = twin.add_channel("ops")
    with pytest.raises(SlackApiError, match="msg_too_long"):
        client.chat_postMessage(channel=channel, text="x" * 40_001)
    with pytest.raises(SlackApiError, match="no_text"):
        client.api_call("chat.postMessage", json={"channel": channel, "text": " "})
    client.chat_postMessage(channel=channel, text="x" * 40_000)
    assert len(twin.messages(channel)) == 1


def button(text: str = "Yes", **more: str) -> dict[str, object]:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": "yes"} | more


@pytest.mark.parametrize(
    "block",
    [
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
        {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]},
        {"type": "section"},
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "actions", "elements": [button(action_id=str(n)) for n in range(26)]},
        {"type": "actions", "elements": [button(), button()]},
        {"type": "actions", "elements": [button("x" * 76)]},
        {"type": "actions", "elements": [button(value="x" * 2001)]},
        {"type": "actions", "elements": [button(action_id="x" * 256)]},
        {"type": "actions", "elements": [{"type": "lever"}]},
        {"type": "divider", "block_id": "x" * 256},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11},
        {"type": "marquee"},
    ],
)
def test_blocks_beyond_the_limits_are_refused_with_the_spot(
    twin: SlackTwin, client: WebClient, block: dict[str, object]
) -> None:
    channel = twin.add_channel("ops")
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=channel, text="fallback", blocks=[block])
    assert error_of(caught.value) == "invalid_blocks"
    assert "json-pointer:/blocks/0" in caught.value.response["response_metadata"]["messages"][0]
    assert twin.messages(channel) == []


def test_fifty_blocks_pass_and_fifty_one_do_not(twin: SlackTwin, client: WebClient) -> None:
    channel = twin.add_channel("ops")
    client.chat_postMessage(channel=channel, text="fallback", blocks=[{"type": "divider"}] * 50)
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        client.chat_postMessage(channel=channel, text="fallback", blocks=[{"type": "divider"}] * 51)


def test_form_and_json_bodies_mean_the_same(twin: SlackTwin, server: Served) -> None:
    channel = twin.add_channel("ops")
    url, headers = server.url + "/api/chat.postMessage", {"Authorization": f"Bearer {BOT_TOKEN}"}
    form = {"channel": channel, "text": "a & b", "blocks": '[{"type":"divider"}]', "token": BOT_TOKEN}
    assert requests.post(url, data=form, timeout=5).json()["ok"]
    told = {"channel": channel, "text": "a & b", "blocks": [{"type": "divider"}]}
    assert requests.post(url, json=told, headers=headers, timeout=5).json()["ok"]
    one, other = twin.messages(channel)
    assert (one.text, one.blocks) == (other.text, other.blocks) == ("a & b", [{"type": "divider"}])
    broken = requests.post(url, data=b"{", headers=headers | {"Content-Type": "application/json"}, timeout=5)
    assert broken.json()["error"] == "invalid_json"


def test_one_message_a_second_a_channel_when_asked_to_be_strict() -> None:
    moment = [datetime(2026, 11, 1, tzinfo=UTC)]
    twin = SlackTwin(Ledger(), now=lambda: moment[0], limit_posting=True)
    ops, dev = twin.add_channel("ops"), twin.add_channel("dev")
    with served(twin.app) as server:
        client = client_of(server)
        client.chat_postMessage(channel=ops, text="one")
        with pytest.raises(SlackApiError) as caught:
            client.chat_postMessage(channel=ops, text="two")
        assert (caught.value.response.status_code, error_of(caught.value)) == (429, "ratelimited")
        assert caught.value.response.headers["Retry-After"] == "1"
        client.chat_postMessage(channel=dev, text="other channels go on")
        moment[0] += timedelta(seconds=1)
        client.chat_postMessage(channel=ops, text="two")
    assert [one.text for one in twin.messages(ops)] == ["one", "two"]


def test_a_lost_answer_leaves_one_message_that_history_can_find(twin: SlackTwin, client: WebClient) -> None:
    channel = twin.add_channel("ops")
    twin.faults.add(Fault("lose_answer", match=r"chat\.postMessage"))
    with pytest.raises(OSError):  # noqa: PT011 which one depends on the moment of the cut
        client.chat_postMessage(channel=channel, text="once", metadata=META)
    found = client.conversations_history(channel=channel, include_all_metadata=True)["messages"]
    assert [one["metadata"] for one in found] == [META]


def test_hostile_text_is_dead_where_it_is_escaped_or_literal(twin: SlackTwin, client: WebClient) -> None:
    channel = twin.add_channel("ops")
    evil = "<!channel> <@U1> <https://evil.example|our intranet>"
    live = client.chat_postMessage(channel=channel, text=evil)
    dead = client.chat_postMessage(
        channel=channel,
        text=evil.replace("<", "&lt;").replace(">", "&gt;"),
        blocks=[
            {"type": "section", "text": {"type": "plain_text", "text": evil}},
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": evil}]}],
            },
        ],
    )
    kept = {one.ts: one for one in twin.messages(channel)}
    assert notified(kept[live["ts"]]) == {"<!channel>", "<@U1>"}
    assert links(kept[live["ts"]]) == {("https://evil.example", "our intranet")}
    assert notified(kept[dead["ts"]]) == set()
    assert links(kept[dead["ts"]]) == set()
    assert seen(kept[dead["ts"]]) == f"{evil}\n{evil}"


def test_every_way_to_call_people_is_noticed(twin: SlackTwin, client: WebClient) -> None:
    channel = twin.add_channel("ops")
    rich = [{"type": "broadcast", "range": "here"}, {"type": "user", "user_id": "U7"}]
    client.chat_postMessage(
        channel=channel,
        text="@channel look",
        link_names=True,
        blocks=[
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "<!subteam^S1|devs>"}]},
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": rich}]},
        ],
    )
    assert notified(twin.messages(channel)[0]) == {"<!channel>", "<!here>", "<@U7>", "<!subteam^S1>"}


def test_what_a_person_types_is_stored_escaped(twin: SlackTwin) -> None:
    ada = twin.add_user("Ada", "ada@example.com")
    channel = twin.add_channel("ops", [ada])
    said = twin.say(ada, channel, f"<@{BOT_USER}> a < b & <!everyone> https://x.example/?a=1&b=2", ack_within=None)
    assert said.text == (f"<@{BOT_USER}> a &lt; b &amp; &lt;!everyone&gt; <https://x.example/?a=1&amp;b=2>")


def test_an_ephemeral_message_is_seen_by_one_and_in_no_history(twin: SlackTwin, client: WebClient) -> None:
    ada = twin.add_user("Ada", "ada@example.com")
    channel = twin.add_channel("ops", [ada])
    client.chat_postEphemeral(channel=channel, user=ada, text="only you")
    assert [one.text for one in twin.ephemerals(ada)] == ["only you"]
    assert client.conversations_history(channel=channel)["messages"] == []
    assert [entry.action for entry in twin.ledger.entries("slack")] == ["ephemeral"]


def test_views_open_once_a_trigger_and_within_three_seconds() -> None:
    moment = [datetime(2026, 11, 1, tzinfo=UTC)]
    twin = SlackTwin(Ledger(), now=lambda: moment[0])
    ada = twin.add_user("Ada", "ada@example.com")
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Tell us"}, "blocks": [{"type": "divider"}]}
    with served(twin.app) as server:
        client = client_of(server)
        trigger = twin.workspace.trigger(ada)
        client.views_open(trigger_id=trigger, view=view)
        with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
            client.views_open(trigger_id=trigger, view=view)
        late = twin.workspace.trigger(ada)
        moment[0] += timedelta(seconds=4)
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            client.views_open(trigger_id=late, view=view)
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            client.views_open(trigger_id=twin.workspace.trigger(ada), view=view | {"title": "x"})
        home = client.views_publish(user_id=ada, view={"type": "home", "blocks": []})["view"]
        with pytest.raises(SlackApiError, match="hash_conflict"):
            client.views_publish(user_id=ada, view={"type": "home", "blocks": []}, hash="1.stale")
        client.views_publish(user_id=ada, view={"type": "home", "blocks": [{"type": "divider"}]}, hash=home["hash"])
    shown = twin.home(ada)
    assert shown is not None
    assert shown["blocks"] == [{"type": "divider"}]
    assert len(twin.open_views(ada)) == 1


def test_the_small_methods_answer(twin: SlackTwin, client: WebClient) -> None:
    ada = twin.add_user("Ada", "ada@example.com")
    channel = twin.add_channel("ops", [ada])
    group = twin.add_group("devs", [ada])
    ts = client.chat_postMessage(channel=channel, text="hello")["ts"]
    assert client.api_test(foo="bar")["args"] == {"foo": "bar"}
    assert client.conversations_info(channel=channel)["channel"]["is_member"]
    assert client.conversations_members(channel=channel)["members"] == [ada, BOT_USER]
    assert client.usergroups_users_list(usergroup=group)["users"] == [ada]
    assert client.usergroups_list(include_users=True)["usergroups"][0]["users"] == [ada]
    assert client.chat_getPermalink(channel=channel, message_ts=ts)["permalink"].endswith("p" + ts.replace(".", ""))
    client.chat_unfurl(channel=channel, ts=ts, unfurls={"https://x.example": {"text": "x"}})
    client.reactions_add(channel=channel, timestamp=ts, name="eyes")
    with pytest.raises(SlackApiError, match="already_reacted"):
        client.reactions_add(channel=channel, timestamp=ts, name="eyes")
    assert twin.messages(channel)[0].reactions == {"eyes": [BOT_USER]}
    with pytest.raises(SlackApiError, match="unknown_method"):
        client.api_call("chat.shout")


def test_a_response_url_speaks_five_times_and_no_more(twin: SlackTwin, server: Served) -> None:
    ada = twin.add_user("Ada", "ada@example.com")
    where = twin._channel(ada)
    hook = WebhookClient(twin._responses.grant(server.url, where, ada), retry_handlers=[])
    answers = [hook.send(text=f"answer {number}").status_code for number in range(6)]
    assert answers == [200] * 5 + [404]
    assert [one.text for one in twin.ephemerals(ada)] == [f"answer {number}" for number in range(5)]
