"""GitLab: deployments with the issues they deliver, and releases. It is only read."""
