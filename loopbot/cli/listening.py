"""The web server beside a daemon, built from the configuration."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from loopbot.domain.errors import ConfigError

if TYPE_CHECKING:
    from loopbot.ports import ChatDoor, Hooked, HookVerifier
    from loopbot.web.serving import WebServer
    from loopbot.wiring import Installation, Outfit


@contextmanager
def listening(here: "Installation", outfit: "Outfit", ring: Callable[[str], None]) -> "Iterator[WebServer | None]":
    """Webhooks, health and metrics while the block lasts; nothing where there is no [web].

    `ring` is told the bell `hints` whenever webhooks were kept. Raises UserError where the address can not be had, or a secret.
    """
    web = here.config.web
    if web is None:
        yield None
        return
    from loopbot.usecases.hints import Bounds
    from loopbot.web.app import Door, WebApp
    from loopbot.web.intake import Intake
    from loopbot.web.serving import WebServer

    verifiers = verifiers_of(here, outfit)
    intake = Intake(here.loop, lambda _streams: ring("hints"), Bounds(web.most_hints))
    chats = doors_of(here, ring)
    application = WebApp(here.loop, verifiers, intake, Door(web.allowed, web.largest_body), chats)
    server = WebServer(application.app, web.address, web.port)
    intake.start()
    server.start()
    here.loop.witness.noted("listening for webhooks", url=server.url, systems=", ".join(sorted(verifiers)))
    if chats:
        here.loop.witness.noted(
            "listening to people over HTTP", url=f"{server.url}/chats/", systems=", ".join(sorted(chats))
        )
    try:
        yield server
    finally:
        server.stop()
        intake.stop()


def doors_of(here: "Installation", ring: Callable[[str], None]) -> "Mapping[str, ChatDoor]":
    """Where chats send what people say, by system."""
    found: dict[str, ChatDoor] = {}
    for chat in here.chats:
        door = chat.door(here.conversation(chat, ring)) if hasattr(chat, "door") else None
        if door is not None:
            found[chat.system] = door
    return found


def verifiers_of(here: "Installation", outfit: "Outfit") -> "Mapping[str, HookVerifier]":
    """Who verifies the webhooks at each name."""
    from loopbot.http.hooks import TokenHooks

    found: dict[str, HookVerifier] = {}
    for name, connector in here.connectors.items():
        verifier = cast("Hooked", connector).hooks() if hasattr(connector, "hooks") else None
        if verifier is not None:
            found[name] = verifier
    streams = {source.stream for source in here.sources}
    for name, given in (here.config.web.hooks if here.config.web else {}).items():
        where = f"{here.config.path.name}, web.hooks.{name}"
        if name in found:
            raise ConfigError(where, f"{name} verifies its own webhooks", "leave out one of the two secrets")
        unknown = sorted(set(given.streams) - streams)
        if unknown:
            raise ConfigError(where, f"{unknown[0]!r} is not a stream", "known: " + ", ".join(sorted(streams)))
        secret = outfit.secrets.beside(here.config.path).resolve(given.secret)
        found[name] = TokenHooks(given.header, secret, given.streams, tolerant=given.tolerant)
    return found
