"""Jira: issues and releases in, issues, comments, links and transitions out (Cloud v3, Data Center v2)."""
