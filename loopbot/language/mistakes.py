"""A mistake inside one expression or text; the loader adds in which file and key, and makes a RuleError of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from loopbot.domain.errors import RuleError


@dataclass
class Mistake(Exception):
    """What is wrong, and how to mend it."""

    why: str
    hint: str = ""


@dataclass(slots=True)
class Findings:
    """The errors of one rule file, collected so that all of them are shown at once."""

    file: str
    errors: list[RuleError] = field(default_factory=list)

    def add(self, key: str, why: str, hint: str = "") -> None:
        """Note one; an empty key means the file as a whole."""
        self.errors.append(RuleError(f"{self.file}, {key}" if key else self.file, why, hint))

    @contextmanager
    def at(self, key: str) -> Iterator[None]:
        """Whatever mistake is made inside is noted under this key."""
        try:
            yield
        except Mistake as mistake:
            self.add(key, mistake.why, mistake.hint)
