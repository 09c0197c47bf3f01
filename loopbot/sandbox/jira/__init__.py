"""A loopback twin of Jira: Cloud (version 3 of the API, Atlassian documents) and Data Center (version 2, wiki markup)."""

from loopbot.sandbox.jira.model import Move, Status, Workflow, plain_workflow
from loopbot.sandbox.jira.twin import JiraTwin

__all__ = ["JiraTwin", "Move", "Status", "Workflow", "plain_workflow"]
