"""What the fields may hold, as data: choices with their labels, and what a new row holds before anybody says anything."""

from collections.abc import Mapping
from types import MappingProxyType

_LEVELS = {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"}
_PRIORITIES = {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low", "5": "5 - Planning"}
_INCIDENT_STATES = {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"}

CHOICES: Mapping[tuple[str, str], Mapping[str, str]] = MappingProxyType(
    {
        ("task", "impact"): _LEVELS,
        ("task", "urgency"): _LEVELS,
        ("task", "priority"): _PRIORITIES,
        ("incident", "state"): _INCIDENT_STATES,
        ("incident", "incident_state"): _INCIDENT_STATES,
        ("incident", "hold_reason"): {
            "1": "Awaiting Caller",
            "5": "Awaiting Change",
            "3": "Awaiting Problem",
            "4": "Awaiting Vendor",
        },
        ("incident", "close_code"): {
            label: label
            for label in (
                "Duplicate",
                "Known error",
                "No resolution provided",
                "Resolved by caller",
                "Resolved by change",
                "Resolved by problem",
                "Resolved by request",
                "Solution provided",
                "User error",
                "Workaround provided",
            )
        },
        ("problem", "state"): {
            "101": "New",
            "102": "Assess",
            "103": "Root Cause Analysis",
            "104": "Fix in Progress",
            "106": "Resolved",
            "107": "Closed",
        },
        ("change_request", "state"): {
            "-5": "New",
            "-4": "Assess",
            "-3": "Authorize",
            "-2": "Scheduled",
            "-1": "Implement",
            "0": "Review",
            "3": "Closed",
            "4": "Canceled",
        },
        ("change_request", "type"): {"normal": "Normal", "standard": "Standard", "emergency": "Emergency"},
        ("change_request", "risk"): {"2": "High", "3": "Moderate", "4": "Low"},
        ("change_request", "close_code"): {
            "successful": "Successful",
            "successful_issues": "Successful with issues",
            "unsuccessful": "Unsuccessful",
        },
        ("kb_knowledge", "workflow_state"): {
            "draft": "Draft",
            "review": "Review",
            "published": "Published",
            "pending_retirement": "Pending retirement",
            "retired": "Retired",
            "outdated": "Outdated",
        },
        ("kb_knowledge", "article_type"): {"text": "HTML", "wiki": "Wiki"},
        ("sc_req_item", "state"): {
            "-5": "Pending",
            "1": "Open",
            "2": "Work in Progress",
            "3": "Closed Complete",
            "4": "Closed Incomplete",
            "7": "Closed Skipped",
        },
    },
)

_TASK_DEFAULTS = {
    "active": "true",
    "approval": "not requested",
    "escalation": "0",
    "impact": "3",
    "knowledge": "false",
    "made_sla": "true",
    "reassignment_count": "0",
    "state": "1",
    "sys_domain": "global",
    "sys_domain_path": "/",
    "upon_approval": "proceed",
    "upon_reject": "cancel",
    "urgency": "3",
}

DEFAULTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "task": _TASK_DEFAULTS,
        "incident": {
            "category": "inquiry",
            "child_incidents": "0",
            "incident_state": "1",
            "notify": "1",
            "reopen_count": "0",
            "severity": "3",
        },
        "problem": {"state": "101", "problem_state": "101", "known_error": "false", "major_problem": "false"},
        "change_request": {"state": "-5", "type": "normal", "risk": "3", "cab_required": "false", "on_hold": "false"},
        "sc_req_item": {"quantity": "1", "stage": "request_approved"},
        "kb_knowledge": {
            "active": "true",
            "article_type": "text",
            "language": "en",
            "latest": "true",
            "sys_view_count": "0",
            "valid_to": "2100-01-01",
            "workflow_state": "draft",
        },
        "kb_knowledge_base": {"active": "true", "kb_version": "3"},
        "kb_category": {"active": "true"},
        "user_criteria": {"active": "true"},
        "sys_user": {"active": "true", "vip": "false"},
        "sys_user_group": {"active": "true"},
        "cmdb_ci": {"install_status": "1", "operational_status": "1"},
    },
)
