"""Slack's twin: Web API, Socket Mode, response_url, and the people of a workspace."""

from loopbot.sandbox.slack.reading import links, notified, seen
from loopbot.sandbox.slack.signing import signed_request
from loopbot.sandbox.slack.sockets import Envelope, NotAcknowledgedError
from loopbot.sandbox.slack.twin import APP_TOKEN, BOT_TOKEN, SCOPES, SIGNING_SECRET, SlackTwin
from loopbot.sandbox.slack.workspace import APP, BOT, BOT_USER, TEAM, Channel, Message, User

__all__ = [
    "APP",
    "APP_TOKEN",
    "BOT",
    "BOT_TOKEN",
    "BOT_USER",
    "SCOPES",
    "SIGNING_SECRET",
    "TEAM",
    "Channel",
    "Envelope",
    "Message",
    "NotAcknowledgedError",
    "SlackTwin",
    "User",
    "links",
    "notified",
    "seen",
    "signed_request",
]
