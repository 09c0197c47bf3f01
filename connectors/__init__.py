"""The systems loopbot can talk to: one folder each, none of which knows another."""

from collections.abc import Mapping
from types import MappingProxyType

CATALOGUE: Mapping[str, str] = MappingProxyType(
    {
        "github": "connectors.github.connector:GitHub",
        "gitlab": "connectors.gitlab.connector:GitLab",
        "jenkins": "connectors.jenkins.connector:Jenkins",
        "jira": "connectors.jira.connector:Jira",
        "servicenow": "connectors.servicenow.connector:ServiceNow",
        "slack": "connectors.slack.connector:Slack",
    },
)
