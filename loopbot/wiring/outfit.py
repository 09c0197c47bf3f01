"""What can be put in place of the real thing: time, chance, secrets, who watches, how long things wait."""

import os
import random
import socket
from dataclasses import dataclass, field
from secrets import token_hex

from loopbot.clock import SystemClock
from loopbot.config import SecretStore
from loopbot.ports import Clock
from loopbot.usecases.loop import SilentWitness, Waits, Witness


@dataclass(frozen=True, slots=True)
class Outfit:
    """What can be put in place of the real thing: time, chance, secrets, who watches, how long things wait."""

    clock: Clock = field(default_factory=SystemClock)
    chance: random.Random = field(default_factory=random.Random)
    secrets: SecretStore = field(default_factory=SecretStore)
    witness: Witness = field(default_factory=SilentWitness)
    waits: Waits | None = None
    holder: str = field(default_factory=lambda: f"{os.getpid()}@{socket.gethostname()}#{token_hex(2)}")
