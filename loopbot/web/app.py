"""The web application: `POST /hooks/NAME` for webhooks, `POST /chats/NAME` for what people say in a chat; `/health`, `/ready`, `/metrics` for those who run it."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from loopbot.ports import ChatDoor, HookVerifier, Refusal, Unmapped
from loopbot.usecases.loop import Loop
from loopbot.web.intake import Intake, NotKeptError
from loopbot.web.measures import Measures

_BODY_SECONDS = 10.0
_TALKING = 16


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in: names that requests may be addressed to (without port), and the most bytes of a body."""

    hosts: frozenset[str]
    largest_body: int = 5_000_000

    def opens_for(self, host: str) -> bool:
        """Whether a Host header names this server."""
        name = host.strip().lower()
        if name.startswith("["):
            return name.partition("]")[0] + "]" in self.hosts
        return name.partition(":")[0] in self.hosts


class WebApp:
    """Everything served; `app` is the ASGI application."""

    def __init__(
        self,
        loop: Loop,
        verifiers: Mapping[str, HookVerifier],
        intake: Intake,
        door: Door,
        chats: Mapping[str, ChatDoor] | None = None,
    ) -> None:
        self._loop, self._verifiers, self._intake, self._door = loop, dict(verifiers), intake, door
        self._chats = dict(chats or {})
        # Apart from the threads that look at the store, so that a locked store keeps nobody from an answer.
        self._talking = ThreadPoolExecutor(_TALKING, "chat-door")
        self._measures = Measures(loop)
        self.app = Starlette(
            routes=[
                Route("/hooks/{system}", self._hook, methods=["POST"]),
                Route("/chats/{system}", self._chat, methods=["POST"]),
                Route("/health", self._health),
                Route("/ready", self._ready),
                Route("/metrics", self._metrics),
            ]
        )

    async def _hook(self, request: Request) -> Response:
        system = request.path_params["system"]
        verifier = self._verifiers.get(system)
        if not self._door.opens_for(request.headers.get("host", "")):
            return await self._refused(system, "it is addressed to another host", 401)
        if verifier is None:
            return await self._refused(system, "no system of that name takes webhooks", 404)
        try:
            body = await self._body(request)
        except (TimeoutError, ClientDisconnect):
            return await self._refused(system, "its body did not arrive", 408)
        if body is None:
            return await self._refused(system, "its body is too large", 413)
        hook = verifier.verify(request.headers, body)
        if isinstance(hook, Refusal):
            return await self._refused(system, hook.why, 202 if hook.tolerant else 401)
        if not hook.hints:
            return self._answer(system, "of no account", 200)
        try:
            with self._measures.keeping():
                await self._intake.keep(replace(hook, deliveries=tuple(f"{system}:{it}" for it in hook.deliveries)))
        except NotKeptError as error:
            return self._answer(system, "turned away", 503, {"Retry-After": str(error.after)})
        return self._answer(system, "accepted", 202)

    async def _chat(self, request: Request) -> Response:
        """What somebody said: who sends it is not told why it is refused."""
        chat = self._chats.get(request.path_params["system"])
        if chat is None or not self._door.opens_for(request.headers.get("host", "")):
            return PlainTextResponse("refused\n", 404 if chat is None else 401)
        try:
            body = await self._body(request)
        except (TimeoutError, ClientDisconnect):
            return PlainTextResponse("refused\n", 408)
        if body is None:
            return PlainTextResponse("refused\n", 413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = await asyncio.get_running_loop().run_in_executor(self._talking, chat.receive, headers, body)
        if reply.status == 401:
            self._loop.witness.noted("a request to a chat was refused", system=request.path_params["system"])
        return Response(reply.body, reply.status, media_type=reply.content_type)

    async def _body(self, request: Request) -> bytes | None:
        """The bytes as they came; None when there are too many."""
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self._door.largest_body:
            return None
        body = bytearray()
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > self._door.largest_body:
                    return None
        return bytes(body)

    async def _refused(self, system: str, why: str, status: int) -> Response:
        """The sender learns nothing but that; the log says why, for each system at most every ten seconds."""
        known = system if system in self._verifiers else "unknown"
        number = self._measures.refused(known)
        if number:
            self._loop.witness.noted("webhook refused", system=known, why=why, number=number)
            if status < 400:
                await asyncio.to_thread(self._set_aside, system, why)
        return self._answer(system, "accepted" if status < 400 else "refused", status, counted="refused")

    def _set_aside(self, system: str, why: str) -> None:
        """Its sender was told that all is well, so people are shown that it is not; one row a system."""
        with self._loop.store.write() as tx:
            tx.quarantine(f"hook:{system}", [Unmapped("refused", why)])

    def _answer(
        self, system: str, result: str, status: int, headers: Mapping[str, str] | None = None, counted: str = ""
    ) -> Response:
        self._measures.answered(system if system in self._verifiers else "unknown", counted or result)
        return PlainTextResponse(result + "\n", status, headers)

    async def _health(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, _: Request) -> Response:
        """Whether the store answers and webhooks are written down."""
        told = {"store": await asyncio.to_thread(self._store_answers), "inbox": self._intake.alive}
        return JSONResponse(told, 200 if all(told.values()) else 503)

    def _store_answers(self) -> bool:
        try:
            with self._loop.store.read() as tx:
                tx.inbox.waiting()
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is "not ready", and the log says why
            self._loop.witness.noted("store does not answer", error=f"{type(error).__name__}: {error}")
            return False
        return True

    async def _metrics(self, request: Request) -> Response:
        if not self._door.opens_for(request.headers.get("host", "")):
            return PlainTextResponse("refused\n", 401)
        body = await asyncio.to_thread(self._measures.written)
        return Response(body, media_type=self._measures.content_type)
