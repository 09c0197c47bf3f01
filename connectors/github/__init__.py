"""GitHub: deployments with the issues they deliver, deploying workflow runs, and releases. It is only read."""
