"""Judges requests and answers by the vendor's own OpenAPI document, and by what that document does not catch.

The document lies in `../shared/specs` beside the checkout; nothing of it is copied. `JiraSpec.load` reads it once, keeps
only the paths loopbot can meet and takes milliseconds.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import requests
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError

from loopbot.sandbox.jira import adf

SPEC = Path(__file__).parents[2].parent / "shared" / "specs" / "jira-platform-v3.2025-12-25.json"
# Addresses vary (host names, context paths); the document is bound to this one and requests are brought to it.
HOME = "http://jira.test"
_PATHS = re.compile(
    r"/rest/api/3/(serverInfo|myself|mypermissions|field|status|priority|issuetype|issueLinkType|issueLink(/\{linkId\})?|"
    r"user|user/search|project|project/search|project/\{projectIdOrKey\}(/versions|/statuses)?|search|search/.*|issue|issue/bulk|"
    r"issue/bulkfetch|issue/createmeta/.*|issue/\{issueIdOrKey\}(/(comment|transitions|remotelink|properties|changelog).*)?)",
)
_CREATE_FIELDS = frozenset(
    {
        "assignee",
        "components",
        "description",
        "duedate",
        "environment",
        "fixVersions",
        "issuetype",
        "labels",
        "parent",
        "priority",
        "project",
        "reporter",
        "resolution",
        "summary",
        "versions",
    },
)


class BreaksSpec(AssertionError):
    """A request or an answer that Jira Cloud would not know."""


class JiraSpec:
    """The vendor's document, ready to judge."""

    def __init__(self, document: dict[str, Any]) -> None:
        document["paths"] = {path: each for path, each in document["paths"].items() if _PATHS.fullmatch(path)}
        document["servers"] = [{"url": HOME}]
        # Who asks is the twin's to judge (401); the OAuth scheme only warns here.
        document.pop("security", None)
        for path in document["paths"].values():
            for operation in path.values():
                if isinstance(operation, dict):
                    operation.pop("security", None)
                    _allow_empty_answers(operation)
        _allow_what_the_vendor_sends(document)
        self._openapi = OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))

    @classmethod
    def load(cls, path: Path = SPEC) -> "JiraSpec":
        """Read the document; raises FileNotFoundError where it is absent."""
        return cls(orjson.loads(path.read_bytes()))

    def check_request(self, method: str, url: str, json: Any = None) -> None:
        """Raise BreaksSpec where version 3 of the API on Cloud would not take this request."""
        request = self._request(method, url, json)
        try:
            self._openapi.validate_request(RequestsOpenAPIRequest(request))
        except OpenAPIError as error:
            raise BreaksSpec(f"{method} {url}: {_reasons(error)}") from error
        for flaw in _own_flaws(method, url, json):
            raise BreaksSpec(f"{method} {url}: {flaw}")

    def check_answer(self, answer: requests.Response) -> None:
        """Raise BreaksSpec where the vendor's document does not describe this answer to its request."""
        sent = answer.request
        body = orjson.loads(sent.body) if sent.body else None
        request = self._request(str(sent.method), str(sent.url), body)
        try:
            self._openapi.validate_response(RequestsOpenAPIRequest(request), RequestsOpenAPIResponse(answer))
        except OpenAPIError as error:
            raise BreaksSpec(f"{answer.status_code} of {sent.method} {sent.url}: {_reasons(error)}") from error

    def _request(self, method: str, url: str, json: Any) -> requests.Request:
        if "/rest/api/3/" not in url:
            raise BreaksSpec(f"{method} {url}: not version 3 of the API")
        at = url.index("/rest/api/3/")
        return requests.Request(method, HOME + url[at:], json=json)


def _allow_empty_answers(operation: dict[str, Any]) -> None:
    """Where the document says nothing of a body but that it is JSON, the product sends none."""
    for answer in operation.get("responses", {}).values():
        content = answer.get("content", {})
        if content.get("application/json", {}).get("schema") == {}:
            del answer["content"]


def _allow_what_the_vendor_sends(document: dict[str, Any]) -> None:
    """The document differs from the product: stamps whose offset has no colon, null in the changelog, lists of remote links."""
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        for each in schema.get("properties", {}).values():
            if each.get("format") == "date-time":
                del each["format"]
    for name in ("from", "fromString", "to", "toString"):
        schemas["ChangeDetails"]["properties"][name]["nullable"] = True
    links = document["paths"]["/rest/api/3/issue/{issueIdOrKey}/remotelink"]["get"]["responses"]["200"]["content"]
    one = links["application/json"]["schema"]
    links["application/json"]["schema"] = {"anyOf": [one, {"type": "array", "items": one}]}


def _reasons(error: BaseException) -> str:
    cause = error.__cause__
    details = "; ".join(f"{one.message[:300]} at {one.json_path}" for one in getattr(cause, "schema_errors", ()))
    return details or str(error) or repr(error)


def _own_flaws(method: str, url: str, json: Any) -> list[str]:
    """What the document does not catch: texts where a document is due, broken documents, misspelt fields."""
    if not isinstance(json, Mapping):
        return []
    path = url.partition("?")[0]
    flaws = []
    if path.endswith("/issue/bulk"):
        flaws += [flaw for each in json.get("issueUpdates", ()) for flaw in _field_flaws(each)]
    elif re.search({"POST": r"/issue(/[^/]+/transitions)?$", "PUT": r"/issue/[^/]+$"}.get(method, "$^"), path):
        flaws += _field_flaws(json)
    if re.search(r"/comment(/\d+)?$", path):
        flaws += _document_flaws("body", json.get("body"))
    return flaws


def _field_flaws(issue: Mapping[str, Any]) -> list[str]:
    flaws = []
    for name, value in (issue.get("fields") or {}).items():
        if name not in _CREATE_FIELDS and not re.fullmatch(r"customfield_\d+", name):
            flaws.append(f"there is no field {name!r}")
        if name in {"description", "environment"} and value is not None:
            flaws += _document_flaws(name, value)
    for operation in (issue.get("update") or {}).get("comment", ()):
        flaws += _document_flaws("update.comment", operation.get("add", {}).get("body"))
    return flaws


def _document_flaws(name: str, value: Any) -> list[str]:
    flaw = adf.flaw(value)
    return [f"{name} is not an Atlassian Document: {flaw}"] if flaw else []
