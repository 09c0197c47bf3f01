"""Who may come in and what they may see: credentials, OAuth tokens, rate rules, ACLs. All may change at run time."""

import base64
import binascii
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from loopbot.sandbox.servicenow.behaviour import RefusedError

Operation = Literal["read", "create", "write", "delete"]


@dataclass(frozen=True, slots=True)
class RateRule:
    """At most `limit` requests in each hour to what `match` finds in `METHOD /path`; `batch_items`: each of a batch counts."""

    limit: int
    match: str = "/api/"
    batch_items: bool = False
    sys_id: str = "5f1d0a3bc0a80164000c8d4a6b0e2f11"


@dataclass(slots=True)
class _Token:
    user: str
    until: datetime


@dataclass(slots=True)
class Access:
    """Credentials are `users` (name to password) and `clients` (id to secret and the user it acts as)."""

    now: Callable[[], datetime]
    users: dict[str, str] = field(default_factory=lambda: {"loopbot": "loopbot-secret", "admin": "admin-secret"})
    clients: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {"loopbot-client": ("client-secret", "loopbot")}
    )
    token_seconds: int = 1800
    rate: RateRule | None = None
    hidden_fields: set[tuple[str, str]] = field(default_factory=set)
    hidden_rows: set[str] = field(default_factory=set)
    locked_rows: set[str] = field(default_factory=set)
    denied: set[tuple[str, Operation]] = field(default_factory=set)
    _tokens: dict[str, _Token] = field(default_factory=dict)
    _refresh: dict[str, tuple[str, str]] = field(default_factory=dict)
    _hour: str = ""
    _used: int = 0

    def who(self, headers: Mapping[str, str]) -> str:
        """The user name of a request, by basic or bearer authorization; 401 otherwise."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            token = self._tokens.get(given)
            if token and token.until > self.now():
                return token.user
        elif scheme.lower() == "basic":
            user, password = _basic(given)
            if user in self.users and self.users[user] == password:
                return user
        raise RefusedError(
            401,
            "User Not Authenticated",
            "Required to provide Auth information",
            {"WWW-Authenticate": 'BASIC realm="Service-now"'},
        )

    def grant(self, form: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        """The answer of the token endpoint: client_credentials, password and refresh_token grants."""
        client = form.get("client_id", "")
        secret, acts_as = self.clients.get(client, ("", ""))
        user, kind = "", form.get("grant_type", "")
        if secret and form.get("client_secret") == secret:
            if kind == "client_credentials":
                user = acts_as
            elif kind == "password" and self.users.get(form.get("username", "")) == form.get("password", ""):
                user = form.get("username", "")
            elif kind == "refresh_token":
                owner, user = self._refresh.get(form.get("refresh_token", ""), ("", ""))
                user = user if owner == client else ""
        if not user:
            return 401, {"error_description": "access_denied", "error": "server_error"}
        token = secrets.token_urlsafe(48)
        self._tokens[token] = _Token(user, self.now() + timedelta(seconds=self.token_seconds))
        answer: dict[str, object] = {
            "access_token": token,
            "scope": "useraccount",
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
        }
        if kind != "client_credentials":
            refresh = secrets.token_urlsafe(48)
            self._refresh[refresh] = (client, user)
            answer["refresh_token"] = refresh
        return 200, answer

    def revoke(self) -> None:
        """Every access token issued so far stops working; refresh tokens stay good."""
        self._tokens.clear()

    def paced(self, request: str, weight: int = 1) -> dict[str, str]:
        """Count a request against the hourly rule; the rate headers, or 429 when the hour is used up."""
        if self.rate is None or not re.search(self.rate.match, request):
            return {}
        now = self.now()
        hour = now.strftime("%Y-%m-%d %H")
        if hour != self._hour:
            self._hour, self._used = hour, 0
        reset = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        headers = {
            "X-RateLimit-Limit": str(self.rate.limit),
            "X-RateLimit-Reset": str(int(reset.timestamp())),
            "X-RateLimit-Rule": self.rate.sys_id,
        }
        if self._used + weight > self.rate.limit:
            wait = max(1, int((reset - now).total_seconds()))
            detail = "Rejected by the rate limit rule of this resource"
            raise RefusedError(429, "Rate limit exceeded", detail, headers | {"Retry-After": str(wait)})
        self._used += weight
        return headers

    def allow(self, table: str, operation: Operation) -> None:
        """403 when ACLs keep the integration user from doing this to the table at all."""
        if (table, operation) not in self.denied:
            return
        if operation == "read":
            raise RefusedError(403, "User Not Authorized", "Failed API level ACL Validation")
        done = {"create": "Insert", "write": "Update", "delete": "Delete"}[operation]
        raise RefusedError(403, "Operation Failed", f"ACL Exception {done} Failed due to security constraints")

    def allow_row(self, sys_id: str) -> None:
        """403 when ACLs keep the integration user from changing this one row."""
        if sys_id in self.locked_rows:
            raise RefusedError(403, "Operation Failed", "ACL Exception Update Failed due to security constraints")


def _basic(given: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
