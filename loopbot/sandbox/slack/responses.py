"""response_url: what the app says later, five times within 30 minutes, to the person or the channel of an interaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.slack.chat import check_blocks, check_text, entry_of
from loopbot.sandbox.slack.workspace import BOT_USER, Channel, Json, Message, RefusedError, Workspace

USES: Final = 5
AGE: Final = timedelta(minutes=30)


@dataclass(slots=True)
class _Grant:
    channel: Channel
    user: str
    original: Message | None
    made: datetime
    uses: int = 0


class ResponseUrls:
    """Hands out response_urls and does what is posted to them."""

    def __init__(self, workspace: Workspace, ledger: Ledger) -> None:
        self._workspace, self._ledger = workspace, ledger
        self._grants: dict[str, _Grant] = {}

    def grant(self, root: str, channel: Channel, user: str, original: Message | None = None) -> str:
        """A new address for this interaction."""
        token = self._workspace.fresh("R")
        self._grants[token] = _Grant(channel, user, original, self._workspace.now())
        return f"{root}/response/{token}"

    async def serve(self, request: Request) -> Response:
        """Answer a POST to one of the addresses."""
        try:
            told = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            return PlainTextResponse("invalid_payload", 400)
        with self._workspace.lock:
            grant = self._grants.get(str(request.path_params["token"]))
            if grant is None or grant.uses >= USES or self._workspace.now() - grant.made > AGE:
                answer = {"ok": False, "error": "expired_url" if grant else "invalid_url"}
                return Response(orjson.dumps(answer), 404, media_type="application/json")
            grant.uses += 1
            try:
                self.say(grant.channel, grant.user, told, grant.original)
            except RefusedError as refused:
                return PlainTextResponse(refused.error, 400 if refused.error == "no_text" else 500)
        return PlainTextResponse("ok")

    def say(self, channel: Channel, user: str, told: Any, original: Message | None = None) -> None:
        """What an ack's payload or a response_url says: replaces, deletes, or is shown to the person or all."""
        if told.get("delete_original") and original is not None:
            channel.messages.pop(original.ts, None)
            if original in self._workspace.ephemerals:
                self._workspace.ephemerals.remove(original)
            self._note("delete", original)
            return
        blocks = check_blocks(told.get("blocks"))
        text = check_text(str(told.get("text") or ""), has_more=bool(blocks or told.get("attachments")))
        if told.get("replace_original") and original is not None:
            original.text, original.blocks = text, blocks
            original.edited_ts = self._workspace.stamp()
            self._note("amend", original)
            return
        said = Message(self._workspace.stamp(), channel.id, BOT_USER, text, blocks, by_bot=True)
        said.attachments, said.thread_ts = list(told.get("attachments") or []), told.get("thread_ts")
        if told.get("response_type") == "in_channel":
            channel.messages[said.ts] = said
            self._note("post", said)
        else:
            said.ephemeral_to = user
            self._workspace.ephemerals.append(said)
            self._note("ephemeral", said)

    def _note(self, action: str, message: Message) -> None:
        payload: Json = entry_of(message)
        self._ledger.write("slack", action, "message", message.channel, BOT_USER, payload)
