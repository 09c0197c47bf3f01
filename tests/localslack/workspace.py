"""A workspace of local-slack: its process, and the people in it, over its control API and the socket of its page."""

import contextlib
import fcntl
import json
import os
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import requests
import websocket

BINARY: Final = "LOOPBOT_LOCAL_SLACK"
"""The variable that says where the program is; `make slack-local` sets it."""
BOT_TOKEN: Final = "xoxb-local-bot"
APP_TOKEN: Final = "xapp-local-app"
SIGNING_SECRET: Final = "local-signing-secret"
_BOT: Final = "U0BOT"
_NOBODY: Final = 65534
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1


@dataclass
class LocalSlack:
    """One running workspace; people are known here by their short names."""

    url: str
    people: Mapping[str, str]
    channels: Mapping[str, str]
    page: websocket.WebSocket

    def slash(self, who: str, text: str, channel: str = "ops") -> None:
        """Somebody types /loop."""
        self._does("command", user=self.people[who], channel=self.channels[channel], command="/loop", text=text)

    def says(self, who: str, text: str, channel: str = "ops") -> str:
        """Somebody writes in a channel; the message's stamp."""
        told = self._does("message", user=self.people[who], channel=self.channels[channel], text=text)
        return str(told["message"]["ts"])

    def reacts(self, who: str, stamp: str, emoji: str, channel: str = "ops") -> None:
        """Somebody puts an emoji on a message."""
        self._does("reaction", user=self.people[who], channel=self.channels[channel], ts=stamp, name=emoji)

    def presses(self, who: str, message: Mapping[str, Any], label: str) -> None:
        """Somebody presses the button with this label."""
        block, button = next((b, e) for b in message["blocks"] if b["type"] == "actions" for e in b["elements"] if e["text"]["text"] == label)  # fmt: skip
        action = {**button, "block_id": block["block_id"]}
        self._does("interact", user=self.people[who], channel=message["channel"], messageTs=message["ts"], action=action)  # fmt: skip

    def opens_home(self, who: str) -> None:
        """Somebody opens the home tab."""
        self._does("open-home", user=self.people[who])

    def submits(self, who: str, view: Mapping[str, Any], values: Mapping[str, str]) -> None:
        """Somebody fills in the form that is open and sends it: the name of a field -> what is in it."""
        inputs = {one["block_id"]: one["element"] for one in view["blocks"] if one["type"] == "input"}
        state = {name: {inputs[name]["action_id"]: _typed(inputs[name], value)} for name, value in values.items()}
        self.page.send(json.dumps({"t": "view_submit", "user": self.people[who], "values": state}))

    def state(self) -> dict[str, Any]:
        """All that the page would show."""
        with contextlib.closing(_page(self.url)) as fresh:
            return dict(json.loads(fresh.recv())["state"])

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """The messages of a channel that everybody in it sees, oldest first."""
        return [one for one in self._messages(self.channels[channel]) if one.get("subtype") != "ephemeral"]

    def whispers(self, who: str) -> list[dict[str, Any]]:
        """What only this person saw, oldest first."""
        everywhere = [one for channel in self.state()["messages"].values() for one in channel]
        return [one for one in everywhere if one.get("ephemeral_to") == self.people[who]]

    def told(self, who: str) -> list[dict[str, Any]]:
        """What the bot wrote to somebody directly, oldest first."""
        state = self.state()
        directs = [one["id"] for one in state["channels"] if one["is_im"] and self.people[who] in one["members"]]
        return [
            one
            for direct in directs
            for one in state["messages"].get(direct, [])
            if one.get("user") == _BOT and one.get("subtype") != "ephemeral"
        ]

    def view(self) -> dict[str, Any] | None:
        """The form that is open."""
        stack = self.state()["modalStack"]
        return dict(stack[-1]) if stack else None

    def home(self, who: str) -> dict[str, Any] | None:
        """The home tab of somebody."""
        shown = self.state()["homeViews"].get(self.people[who], {})
        return next(iter(shown.values()), None)

    def connected(self) -> bool:
        """Whether a bot has a socket open."""
        return any(one["connected"] for one in self.state()["apps"])

    def sockets(self) -> int:
        """How many sockets were opened so far."""
        return sum(one["summary"].startswith("socket connected") for one in self._log())

    def envelopes(self) -> int:
        """How many commands were sent over sockets, each to all of them."""
        return sum(one["kind"] == "slash_commands" for one in self._log())

    def refused(self) -> list[str]:
        """Calls that were answered with an error."""
        return [one["summary"] for one in self._log() if one["direction"] == "internal" and one["kind"] == "web_api"]

    def _log(self) -> list[dict[str, Any]]:
        return list(requests.get(f"{self.url}/_control/log", timeout=5).json()["log"])

    def _messages(self, channel: str) -> list[dict[str, Any]]:
        return list(requests.get(f"{self.url}/_control/messages/{channel}", timeout=5).json()["messages"])

    def _does(self, what: str, **told: object) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/_control/{what}", json=told, timeout=10)
        answer.raise_for_status()
        return dict(answer.json())


@contextlib.contextmanager
def local_slack(
    program: str, people: Mapping[str, str], mode: Literal["socket", "events"], request_url: str = ""
) -> Iterator[LocalSlack]:
    """A workspace with these people (e-mail -> full name), served while the block lasts. Refuses outside a namespace."""
    users = {email.partition("@")[0]: f"U{number:05d}" for number, email in enumerate(people, 1)}
    channels = {name: f"C{number:08d}" for number, name in enumerate(("ops", "support", "releases"), 1)}
    app = {"botUserId": _BOT, "botName": "loopbot", "botToken": BOT_TOKEN, "appToken": APP_TOKEN}
    app |= {"signingSecret": SIGNING_SECRET, "mode": mode} | ({"requestUrl": request_url} if request_url else {})
    made = {
        "apps": [app],
        "users": [
            {"id": users[email.partition("@")[0]], "name": email.partition("@")[0], "real_name": name, "email": email}
            for email, name in people.items()
        ],
        "channels": [{"id": ident, "name": name, "members": [_BOT, *users.values()]} for name, ident in channels.items()],
    }  # fmt: skip
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="local-slack-") as folder:
        # Whoever it runs as has to read this, and nothing else of ours.
        Path(folder).chmod(0o755)
        config = Path(folder) / "workspace.json"
        config.write_text(json.dumps(made), encoding="utf-8")
        command = [program, "--config", str(config), "--port", str(port), "--base-host", "127.0.0.1"]
        with _running(command) as process:
            _wait(lambda: _answers(url), process)
            with contextlib.closing(_page(url)) as page:
                yield LocalSlack(url, users, channels, page)


def raise_loopback() -> None:
    """Switch the loopback on; raises RuntimeError where there is any other interface: then others could reach us."""
    names = {name for _, name in socket.if_nameindex()}
    if names != {"lo"}:
        message = f"this is no namespace of its own: it has {', '.join(sorted(names))}; use make slack-local"
        raise RuntimeError(message)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    raise_loopback()
    nobody: dict[str, Any] = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if _is_real_root() else {}
    process = subprocess.Popen(  # noqa: S603 - the program that the caller named
        command,
        cwd="/",
        env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **nobody,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _is_real_root() -> bool:
    """Root of the machine, not only of a user namespace."""
    return os.geteuid() == 0 and Path("/proc/self/uid_map").read_text(encoding="ascii").split()[:2] == ["0", "0"]


def _page(url: str) -> websocket.WebSocket:
    return websocket.create_connection(url.replace("http", "ws", 1) + "/ui", timeout=10)


def _typed(element: Mapping[str, Any], value: str) -> dict[str, Any]:
    if element["type"] in {"radio_buttons", "static_select"}:
        return {"type": element["type"], "selected_option": next(o for o in element["options"] if o["value"] == value)}
    return {"type": element["type"], "value": value}


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{url}/_control/state", timeout=1).ok
    return False


def _wait(true: Callable[[], bool], process: "subprocess.Popen[bytes]", seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        if process.poll() is not None or time.monotonic() > end:
            message = f"local-slack does not answer (exit code {process.poll()})"
            raise RuntimeError(message)
        time.sleep(0.05)


def free_port() -> int:
    """A port of the loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
