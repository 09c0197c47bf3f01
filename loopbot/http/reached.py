"""A system that is reached by one wire, made at the first call: constructing makes no call and needs no secret."""

from collections.abc import Callable
from typing import Protocol

import requests

from loopbot.http.wire import Limits, Wire
from loopbot.ports import Budget, Secrets, Surroundings


class Address(Protocol):
    """What the settings say of where a system is, and how modestly it is asked."""

    @property
    def base_url(self) -> str:
        """Where its API is."""

    @property
    def ca(self) -> str | None:
        """Path of a certificate bundle of its own; None: the machine's."""

    @property
    def calls_per_hour(self) -> int:
        """At most so many calls in any hour; 0: no limit of our own."""

    @property
    def seconds_between_calls(self) -> float:
        """At least so long between two calls."""


class InHeader(requests.auth.AuthBase):
    """A secret in a header of each request, whatever a netrc of the machine says."""

    def __init__(self, name: str, secret: str) -> None:
        self._name, self._secret = name, secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put it on."""
        request.headers[self._name] = self._secret
        return request


class Reached:
    """One system; `signs` makes what puts the credentials on each request, out of the secrets."""

    def __init__(
        self,
        system: str,
        address: Address,
        surroundings: Surroundings,
        signs: Callable[[Secrets], requests.auth.AuthBase],
    ) -> None:
        self.system = system
        self._address, self._surroundings, self._signs = address, surroundings, signs
        self._wire: Wire | None = None

    @property
    def wire(self) -> Wire:
        """The wire, with the credentials on it since the first call."""
        if self._wire is None:
            given, address = self._surroundings, self._address
            limits = Limits(address.seconds_between_calls, address.calls_per_hour, allotments=given.allotments)
            made = Wire(
                self.system, address.base_url, clock=given.clock, chance=given.chance, limits=limits, ca=address.ca
            )
            made.session.auth = self._signs(given.secrets)
            self._wire = made
        return self._wire

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """How calls stand, once there was one."""
        return (self._wire.pacing.budget(),) if self._wire else ()

    @property
    def calls(self) -> int:
        """How many calls went out."""
        return self._wire.calls if self._wire else 0

    def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            self._wire.close()
