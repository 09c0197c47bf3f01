"""GitLab's twin: the REST API around deployments, releases, commits and merge requests."""

from loopbot.sandbox.gitlab.twin import TOKEN, GitLabTwin

__all__ = ["TOKEN", "GitLabTwin"]
