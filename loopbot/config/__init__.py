"""The configuration: TOML in, a frozen and validated Config out; secrets only as references."""

from loopbot.config.loading import load_config
from loopbot.config.model import Config, Daemon, System
from loopbot.config.secrets import SecretStore, is_reference

__all__ = ["Config", "Daemon", "SecretStore", "System", "is_reference", "load_config"]
