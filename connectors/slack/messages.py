"""The sink: posts to channels, tells people, keeps messages current; and finds again what may have been lost."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.slack import blocks, speaking
from connectors.slack.asking import asked
from connectors.slack.calls import Calls
from connectors.slack.directory import Directory
from connectors.slack.settings import SlackSettings
from loopbot.domain.effects import Ask, Effect, Post, Tell
from loopbot.domain.errors import Rejected, SystemTrouble, Transient, Trouble, Unauthorized, Uncertain, shut_out
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Person, Ref
from loopbot.http import Pacing
from loopbot.ports import Acquaintance, Surroundings

Json = dict[str, Any]

# Slack stamps messages by its own clock; ours may be off by so much.
_SKEW: Final = timedelta(minutes=10)
_MOST_PAGES: Final = 25
_MOST_PACES: Final = 2_000
# What one message holds: Slack takes 50 blocks and about 13,000 characters with everything around them.
_MOST_TOGETHER: Final = 12
_LONGEST_TOGETHER: Final = 9_000
_NEWS: Final = "News about {count} things you reported or follow:"
_AT_ONCE: Final = "{count} messages at once:"


class Messages:
    """Implements ports.Sink for a workspace."""

    def __init__(self, calls: Calls, directory: Directory, settings: SlackSettings, surroundings: Surroundings) -> None:
        self._calls, self._directory = calls, directory
        self._settings, self._surroundings = settings, surroundings
        self._paces: dict[str, Pacing] = {}
        self._home = ""

    @property
    def verbs(self) -> frozenset[str]:
        """What it can do."""
        return frozenset({Post.verb, Tell.verb, Ask.verb})

    @property
    def now_there(self) -> datetime | None:
        """What time it is by its own clock, counted on from its last answer; None before the first."""
        return self._calls.now_there

    def ask_the_time(self) -> None:
        """Ask for the workspace's address, which is needed anyway: every answer says when it was given."""
        self._know_home()

    @property
    def shut(self) -> bool:
        """Whether our credentials were refused, and have not been proven since."""
        return self._calls.shut

    def knock(self) -> None:
        """Ask who we are."""
        self._calls.knock()

    @property
    def batch(self) -> int:
        """Messages to different channels that one round takes; each is a call of its own."""
        return 20

    @property
    def most_together(self) -> int:
        """How many effects one message may hold."""
        return _MOST_TOGETHER

    @property
    def longest_together(self) -> int:
        """How many characters their texts may have in all, some hundreds counted for each."""
        return _LONGEST_TOGETHER

    def meet(self, person: Person, ident: str | None) -> Acquaintance:
        """Who a person is in this workspace, by id or by e-mail: one call. Raises SystemTrouble."""
        return self._directory.meet(person, ident)

    def apply(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Trouble]:
        """Send each, in order; where the credentials are refused, the rest is not tried."""
        answers: list[Receipt | Trouble] = []
        stopped: Unauthorized | None = None
        for delivery in deliveries:
            if stopped is not None:
                answers.append(stopped)
                continue
            try:
                answers.append(self._send(delivery))
            except (Transient, Uncertain, Rejected, Unauthorized) as error:
                answers.append(error)
                stopped = shut_out(error)
        return answers

    def find(self, delivery: Delivery) -> Receipt | None:
        """Look through the channel's history for the effect's mark; for an update, at the message itself."""
        try:
            if delivery.receipt is not None:
                return self._updated(delivery, delivery.receipt)
            channel = self._channel(delivery.effect)
            for said in self._since(channel, delivery):
                if delivery.effect.key in blocks.keys_of(said):
                    return self._receipt(delivery.effect, channel, str(said["ts"]))
        except Rejected as error:
            raise Uncertain(
                error.system, f"whether the message is there can not be read: {error.why}", error.hint
            ) from error
        return None

    def _send(self, delivery: Delivery) -> Receipt:
        effect = delivery.effect
        if not isinstance(effect, Post | Tell | Ask):
            raise Rejected(self._calls.system, f"Slack can not {effect.verb}", "use post or tell")
        self._know_home()
        if delivery.receipt is not None:
            return self._update(delivery, effect, delivery.receipt)
        channel = self._place(effect)
        self._pace(channel)
        told: Json = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}
        told |= {"channel": channel, **self._content(delivery)}
        if thread := _thread(delivery):
            told["thread_ts"] = thread
            if isinstance(effect, Ask):
                told["reply_broadcast"] = True  # nobody follows a thread in which nothing was asked yet
        try:
            said = self._calls.write("chat.postMessage", told)
        except Rejected as error:
            if "channel_not_found" in error.why or "is_archived" in error.why:
                self._directory.forget(channel)
            raise
        return self._sent(effect, said, channel)

    def _update(self, delivery: Delivery, effect: Post | Tell | Ask, receipt: Receipt) -> Receipt:
        channel, stamp = _spot(self._calls.system, receipt)
        self._pace(channel)
        said = self._calls.write(
            "chat.update",
            {"channel": channel, "ts": stamp, **self._content(delivery), "link_names": False, "parse": "none"},
        )
        return self._sent(effect, said, channel)

    def _sent(self, effect: Effect, said: Json, channel: str) -> Receipt:
        stamp = str(said.get("ts") or "")
        if not stamp:
            raise Uncertain(self._calls.system, "Slack's answer names no message")
        return self._receipt(effect, str(said.get("channel") or channel), stamp)

    def _content(self, delivery: Delivery) -> Json:
        effect = delivery.effect
        if isinstance(effect, Ask):
            return blocks.marked(speaking.message(asked(effect)), effect.key, effect.text)
        parts = [
            blocks.Part(one.key, one.text, one.buttons, one.dated, one.shared)
            if isinstance(one, Tell)
            else blocks.Part(one.key, one.text, (), one.dated)
            for one in delivery.effects
            if isinstance(one, Post | Tell)
        ]
        if len(parts) == 1:
            [part] = parts
            return blocks.message(part.text, key=part.key, buttons=part.buttons, dated=part.dated)
        lead = _NEWS if isinstance(delivery.effect, Tell) else _AT_ONCE
        return blocks.together(parts, lead.format(count=len(parts)))

    def _place(self, effect: Effect) -> str:
        """Where it is sent to. A person's own id opens the conversation with them where none is open."""
        if isinstance(effect, Tell):
            return self._directory.user(effect.person)
        return self._channel(effect)

    def _channel(self, effect: Effect) -> str:
        """The conversation in which it is, or may be."""
        if isinstance(effect, Tell):
            return self._directory.direct(effect.person)
        if isinstance(effect, Post | Ask):
            return self._directory.channel(effect.channel)
        raise Rejected(self._calls.system, f"Slack can not {effect.verb}")

    def _pace(self, channel: str) -> None:
        """Wait for the channel's turn: Slack takes about one message a second for each."""
        if len(self._paces) > _MOST_PACES:
            self._paces.clear()
        pace = self._paces.get(channel)
        if pace is None:
            given = self._surroundings
            pace = Pacing(self._calls.system, given.clock, given.chance, interval=self._settings.seconds_between_posts)
            self._paces[channel] = pace
        pace.before("POST", channel)

    def _since(self, channel: str, delivery: Delivery) -> Iterator[Json]:
        """The messages since it was first sent, newest first; raises Uncertain where there are too many to look through."""
        sent_at = delivery.sent_at or self._surroundings.clock.now() - timedelta(days=1)
        # Messages are stamped by Slack's clock, the sending by ours, which may be off by any amount.
        sent_at += timedelta(seconds=self._calls.behind)
        # A thread's answers are not in the channel's history.
        thread = _thread(delivery)
        pages = self._calls.pages(
            "conversations.replies" if thread else "conversations.history",
            "messages",
            channel=channel,
            **({"ts": thread} if thread else {}),
            oldest=f"{(sent_at - _SKEW).timestamp():.6f}",
            inclusive=True,
            include_all_metadata=True,
        )
        for number, rows in enumerate(pages):
            if number >= _MOST_PAGES:
                raise Uncertain(
                    self._calls.system, f"too many messages since {sent_at:%Y-%m-%d %H:%M} UTC to look through"
                )
            yield from rows

    def _updated(self, delivery: Delivery, receipt: Receipt) -> Receipt | None:
        """Whether the message holds the new text: its mark says which text it was last sent with."""
        channel, stamp = _spot(self._calls.system, receipt)
        told = self._calls.read(
            "conversations.history",
            channel=channel,
            oldest=stamp,
            latest=stamp,
            inclusive=True,
            include_all_metadata=True,
            limit=1,
        )
        effect = delivery.effect
        wanted = blocks.digest(effect.text) if isinstance(effect, Post | Tell | Ask) else None
        rows = [one for one in told.get("messages") or [] if one.get("ts") == stamp]
        return receipt if rows and blocks.digest_of(rows[0]) == wanted else None

    def _know_home(self) -> None:
        """The workspace's address, asked for once: a message's own address is made of it."""
        if not self._home:
            told, _ = self._calls.whoami()
            self._home = str(told.get("url") or "")

    def _receipt(self, effect: Effect, channel: str, stamp: str) -> Receipt:
        url = f"{self._home.rstrip('/')}/archives/{channel}/p{stamp.replace('.', '')}" if self._home else ""
        ident = f"{channel}/{stamp}"
        return Receipt(effect.key, Ref(self._calls.system, "message", ident), ident, url)


def _thread(delivery: Delivery) -> str:
    """The stamp of the message in whose thread it belongs; "": it stands by itself."""
    if isinstance(delivery.effect, Post) and delivery.effect.thread:
        return delivery.effect.thread
    return delivery.under.ident.partition("/")[2] if delivery.under is not None else ""


def _spot(system: str, receipt: Receipt) -> tuple[str, str]:
    channel, _, stamp = receipt.ident.partition("/")
    if not channel or not stamp:
        raise Rejected(system, f"the receipt {receipt.ident!r} names no message of Slack")
    return channel, stamp


def trouble_text(error: SystemTrouble) -> str:
    """A failure as it is told to somebody in Slack."""
    return f"That did not work: {error.why}." + (f" {error.hint}" if error.hint else "")
