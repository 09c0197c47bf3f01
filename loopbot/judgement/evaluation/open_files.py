"""Whether what is asked for is that of the open files: what costs too much to try each time was tried on them, and stands beside nothing else."""

import hashlib
from collections.abc import Iterable

_OPEN = {
    "cause": "29ab7cf4480c3cc8",
    "nlbse24": "7a113464627ad3a6",
    "scalabrino": "4560ed03d68a459b",
    "marc": "20067288006df72e",
}
"""The digest of the keys, or of the titles or texts, of all that is asked for in the open files."""


def are_open(name: str, asked: Iterable[str]) -> bool:
    """Whether exactly the cases of the open files are asked for."""
    return digest_of(asked) == _OPEN[name]


def digest_of(asked: Iterable[str]) -> str:
    """The same cases in any order have the same digest."""
    return hashlib.blake2b("\x1f".join(sorted(asked)).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
