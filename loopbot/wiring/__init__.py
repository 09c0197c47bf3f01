"""The composition root: the only package that knows everyone. It builds an installation from a configuration."""

from loopbot.wiring.installation import Installation, check_rules, installed, open_configured_store
from loopbot.wiring.outfit import Outfit
from loopbot.wiring.shipped import (
    asked_encoder,
    example_config,
    installed_encoder,
    shipped_judgement,
    slack_manifest,
    starter_rules,
)
from loopbot.wiring.systems import check_system, connector_type, resolved_store_url

__all__ = [
    "Installation",
    "Outfit",
    "asked_encoder",
    "check_rules",
    "check_system",
    "connector_type",
    "example_config",
    "installed",
    "installed_encoder",
    "open_configured_store",
    "resolved_store_url",
    "shipped_judgement",
    "slack_manifest",
    "starter_rules",
]
