"""GitHub's twin: the REST API around deployments, workflow runs, commits and pull requests."""

from loopbot.sandbox.github.twin import PIPELINE, TOKEN, GitHubTwin

__all__ = ["PIPELINE", "TOKEN", "GitHubTwin"]
