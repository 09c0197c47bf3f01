"""What every site of the twin has from the start: priorities, resolutions, link types and the system's own fields."""

from loopbot.sandbox.jira.model import Field, LinkType, Named

PRIORITIES = tuple(
    Named(str(number), name) for number, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), 1)
)
RESOLUTIONS = (
    Named("10000", "Done"),
    Named("10001", "Won't Do"),
    Named("10002", "Duplicate"),
    Named("10003", "Cannot Reproduce"),
)
LINK_TYPES = (
    LinkType("10000", "Blocks", "is blocked by", "blocks"),
    LinkType("10001", "Cloners", "is cloned by", "clones"),
    LinkType("10002", "Duplicate", "is duplicated by", "duplicates"),
    LinkType("10003", "Relates", "relates to", "relates to"),
)
SYSTEM_FIELDS = tuple(
    Field(ident, name, kind)  # type: ignore[arg-type]
    for ident, name, kind in (
        ("summary", "Summary", "string"),
        ("description", "Description", "text"),
        ("environment", "Environment", "text"),
        ("labels", "Labels", "labels"),
        ("duedate", "Due date", "date"),
        ("project", "Project", "system"),
        ("issuetype", "Issue Type", "system"),
        ("priority", "Priority", "system"),
        ("assignee", "Assignee", "system"),
        ("reporter", "Reporter", "system"),
        ("fixVersions", "Fix versions", "system"),
        ("versions", "Affects versions", "system"),
        ("parent", "Parent", "system"),
        ("resolution", "Resolution", "system"),
        ("status", "Status", "system"),
        ("created", "Created", "system"),
        ("updated", "Updated", "system"),
        ("resolutiondate", "Resolved", "system"),
        ("creator", "Creator", "system"),
        ("comment", "Comment", "system"),
        ("issuelinks", "Linked Issues", "system"),
        ("votes", "Votes", "system"),
    )
)
