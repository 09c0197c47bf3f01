"""Which issues a text speaks of, strictly: only configured projects, whole keys, and not in addresses of other sites."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

_ADDRESS: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s<>\"')\]]+", re.IGNORECASE)
_REVERT: Final = re.compile(r'^(?:Revert\s+")+')
_BRANCH_REVERT: Final = re.compile(r"^revert-(?:\d+-|[0-9a-f]{8}$)")


@dataclass(frozen=True, slots=True)
class Keys:
    """Finds keys of these projects; `issue_url` is what addresses begin with in which a key counts."""

    projects: tuple[str, ...]
    issue_url: str = ""
    _text: re.Pattern[str] = field(init=False)
    _branch: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        names = "|".join(map(re.escape, self.projects)) or r"(?!)"
        whole = rf"(?<![A-Za-z0-9])(?<![A-Za-z0-9]-)(?:{names})-[1-9][0-9]{{0,9}}(?![A-Za-z0-9])(?![.-][0-9])"
        object.__setattr__(self, "_text", re.compile(whole))
        object.__setattr__(self, "_branch", re.compile(whole, re.IGNORECASE))

    def in_text(self, text: str) -> list[str]:
        """Keys in a message, a title or a body, in order, each once."""
        return list(dict.fromkeys(self._text.findall(_ADDRESS.sub(self._kept, text))))

    def in_branch(self, name: str) -> list[str]:
        """Keys in a branch's name, where people also write them small."""
        return list(dict.fromkeys(key.upper() for key in self._branch.findall(name)))

    def _kept(self, found: re.Match[str]) -> str:
        address = found.group()
        if self.issue_url and address.startswith(self.issue_url):
            return f" {address[len(self.issue_url) :]} "
        return " "


@dataclass(frozen=True, slots=True)
class Mention:
    """A key, where it was found, how sure that makes it, and whether it was brought in or taken back."""

    key: str
    where: str
    confidence: float = 1.0
    taken_back: bool = False


def taken_back(title: str) -> bool:
    """Whether a commit or pull request reverts something; reverting a revert brings it back."""
    found = _REVERT.match(title)
    return found is not None and found.group().count("Revert") % 2 == 1


def of_commit(keys: Keys, sha: str, message: str) -> list[Mention]:
    """What a commit's message says."""
    back = taken_back(message)
    text = message.split("\n", 1)[0] if back else message
    return [Mention(key, f"commit {sha[:7]}", 1.0, back) for key in keys.in_text(text)]


@dataclass(frozen=True, slots=True)
class Pull:
    """A merged pull or merge request; `where` is what people call it, such as "pull request #12"."""

    number: int
    where: str
    title: str
    body: str
    branch: str


def of_pull(keys: Keys, pull: Pull) -> list[Mention]:
    """What a pull request says: its title and branch for certain, its body with a doubt (it may only refer to an issue)."""
    where, back = pull.where, taken_back(pull.title)
    found = [Mention(key, f"title of {where}", 1.0, back) for key in keys.in_text(pull.title)]
    if back or _BRANCH_REVERT.match(pull.branch):
        return found
    found += [Mention(key, f"branch of {where}") for key in keys.in_branch(pull.branch)]
    return found + [Mention(key, f"text of {where}", 0.8) for key in keys.in_text(pull.body)]


@dataclass(frozen=True, slots=True)
class Balance:
    """What a range of commits brings and takes back, each key with its best mention."""

    brings: dict[str, Mention]
    takes: dict[str, Mention]


def balance(mentions: Iterable[Mention]) -> Balance:
    """The last word on each key decides; `mentions` are oldest first."""
    told = Balance({}, {})
    for one in mentions:
        wins, loses = (told.takes, told.brings) if one.taken_back else (told.brings, told.takes)
        loses.pop(one.key, None)
        if one.key not in wins or wins[one.key].confidence < one.confidence:
            wins[one.key] = one
    return told
