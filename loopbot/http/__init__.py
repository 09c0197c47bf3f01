"""The one policy every HTTP call follows: timeouts, hosts, sizes, pacing, retries of reads, and what an answer means."""

from loopbot.http.breaker import Breaker
from loopbot.http.pacing import Pacing, retry_after
from loopbot.http.policy import Policy, PolicyAdapter, policy_session
from loopbot.http.reached import InHeader, Reached
from loopbot.http.sharing import shared
from loopbot.http.wire import Answer, Limits, Wire

__all__ = [
    "Answer",
    "Breaker",
    "InHeader",
    "Limits",
    "Pacing",
    "Policy",
    "PolicyAdapter",
    "Reached",
    "Wire",
    "policy_session",
    "retry_after",
    "shared",
]
