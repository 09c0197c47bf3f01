"""Secrets are named in the configuration, never written there: `env:NAME`, `file:/path`, `keyring:service/user`."""

import os
import re
from pathlib import Path

from loopbot.domain.errors import ConfigError
from loopbot.domain.redaction import Known, scrubbed

FORMS = "write env:NAME, file:/path or keyring:service/user"
_REFERENCE = re.compile(r"^(env|file|keyring):\S.*$")
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f]")
_SECRET_KEY = re.compile(r"(^|_)(password|passwd|token|secret|api_key|apikey|private_key)$")


def is_reference(value: str) -> bool:
    """Whether a value names a secret instead of being one."""
    return _REFERENCE.match(value) is not None


def is_secret_key(name: str) -> bool:
    """Whether a key of the configuration holds a secret, by its name."""
    return _SECRET_KEY.search(name) is not None


class SecretStore:
    """Resolves references and remembers what they were, so that the values are left out of whatever is kept or said.

    Relative files are looked for in `folder`, which is the configuration's.
    """

    def __init__(self, folder: Path = Path()) -> None:
        self._known = Known()
        self._folder = folder

    def beside(self, config: Path) -> "SecretStore":
        """The same, for the references in that configuration file."""
        other = SecretStore(config.parent)
        other._known = self._known
        return other

    def resolve(self, reference: str) -> str:
        """The secret; raises ConfigError naming the reference, never the secret."""
        scheme, _, name = reference.partition(":")
        if scheme == "file":
            value = _from_file(self._folder / name)
        else:
            value = {"env": _from_env, "keyring": _from_keyring}.get(scheme, _refused)(name)
        if value is None:
            raise ConfigError(reference, *_MISSING.get(scheme, ("is not a reference to a secret", FORMS)))
        value = value.strip()
        if not value:
            raise ConfigError(reference, "is empty", "put the secret there")
        if _UNSENDABLE.search(value):
            # Libraries repeat the whole value where they refuse to send it.
            why = "holds a line break or another control character, which no header can"
            raise ConfigError(reference, why, "store it again, without what came along when it was copied")
        self._known.add(value)
        return value

    def redacted(self, text: str) -> str:
        """The text with every secret that was resolved blotted out, and whatever else looks like one."""
        return scrubbed(text)


_MISSING = {
    "env": ("this environment variable is not set", "set it where loopbot runs"),
    "file": ("this file can not be read", "does it exist, and may loopbot read it?"),
    "keyring": (
        "the keyring does not have this",
        "write keyring:SERVICE/USER and store it with: keyring set SERVICE USER; needs loopbot[keyring]",
    ),
}


def _from_env(name: str) -> str | None:
    return os.environ.get(name)


def _from_file(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _from_keyring(name: str) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    service, _, user = name.rpartition("/")
    try:
        return keyring.get_password(service, user)
    except KeyringError:
        return None


def _refused(_name: str) -> None:
    return None
