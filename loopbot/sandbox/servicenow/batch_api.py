"""The Batch API: many requests in one, each with an answer of its own; what the quota leaves undone comes back by id."""

import base64
import http
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from loopbot.sandbox.servicenow.asking import Answer, Ask
from loopbot.sandbox.servicenow.behaviour import RefusedError

Json = dict[str, Any]


@dataclass(slots=True)
class BatchApi:
    """A batch ends when `quota` requests are serviced (None: no such limit) or, at `seconds_each`, after `seconds`."""

    answer_one: Callable[[Ask], Answer]
    quota: int | None = None
    seconds: float = 30.0
    seconds_each: float = 0.0

    def answer(self, ask: Ask) -> Answer:
        """Service the requests in their order, up to the quota."""
        body = ask.json()
        requests = body.get("rest_requests")
        if not isinstance(requests, list):
            raise RefusedError(400, "Exception while reading request", "rest_requests is required")
        served = len(requests) if self.quota is None else self.quota
        if self.seconds_each:
            served = min(served, int(self.seconds / self.seconds_each))
        return Answer(
            200,
            {
                "batch_request_id": str(body.get("batch_request_id", "")),
                "serviced_requests": [self._serviced(ask, one) for one in requests[:served]],
                "unserviced_requests": [str(one.get("id", "")) for one in requests[served:]],
            },
        )

    def _serviced(self, ask: Ask, item: Mapping[str, Any]) -> Json:
        url = urlsplit(str(item.get("url", "")))
        own = {str(one["name"]).lower(): str(one["value"]) for one in item.get("headers") or []}
        answer = self.answer_one(
            Ask(
                str(item.get("method", "GET")).upper(),
                url.path,
                parse_qsl(url.query, keep_blank_values=True),
                own,
                base64.b64decode(item.get("body") or ""),
                ask.origin,
                ask.user,
            ),
        )
        headers = {"Content-Type": "application/json;charset=UTF-8", **answer.headers}
        shown = {} if item.get("exclude_response_headers") else headers
        return {
            "id": str(item.get("id", "")),
            "body": base64.b64encode(answer.encoded()).decode(),
            "status_code": answer.status,
            "status_text": http.HTTPStatus(answer.status).phrase,
            "headers": [{"name": name, "value": value} for name, value in shown.items()],
            "execution_time": max(1, int(self.seconds_each * 1000)),
        }
