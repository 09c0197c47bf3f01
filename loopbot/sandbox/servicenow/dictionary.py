"""What the tables of the instance look like, as data: fields and references."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `reference` names the table that a reference points into."""

    name: str
    type: str = "string"
    reference: str = ""
    max_length: int = 40
    table: str = ""

    @property
    def label(self) -> str:
        """The field's label."""
        return self.name.removeprefix("u_").replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table: `prefix` numbers its rows (INC), `display` is the field shown for references to it."""

    name: str
    label: str
    fields: tuple[Field, ...]
    extends: str = ""
    prefix: str = ""
    display: str = "name"


def fields_of(table: str, text: str) -> tuple[Field, ...]:
    """Parse lines of `name type [reference or length]`."""
    made = []
    for line in filter(None, text.splitlines()):
        name, kind, *rest = line.split()
        extra = rest[0] if rest else ""
        if kind == "reference":
            made.append(Field(name, kind, extra, 32, table))
        else:
            made.append(Field(name, kind, "", int(extra or 40), table))
    return tuple(made)


SYSTEM_FIELDS = """
sys_id GUID 32
sys_created_on glide_date_time
sys_created_by string
sys_updated_on glide_date_time
sys_updated_by string
sys_mod_count integer
sys_tags related_tags
"""

# The fields of task and incident are those of recorded answers of the Table API.
_TASK = """
number string
active boolean
activity_due glide_date_time
additional_assignee_list glide_list
approval string
approval_history journal
approval_set glide_date_time
assigned_to reference sys_user
assignment_group reference sys_user_group
business_duration glide_duration
business_service reference cmdb_ci_service
calendar_duration glide_duration
close_notes string 4000
closed_at glide_date_time
closed_by reference sys_user
cmdb_ci reference cmdb_ci
comments journal_input 4000
comments_and_work_notes journal_list 4000
company reference core_company
contact_type string
correlation_display string 100
correlation_id string 100
delivery_plan string
delivery_task string
description string 4000
due_date glide_date_time
escalation integer
expected_start glide_date_time
follow_up glide_date_time
group_list glide_list
impact integer
knowledge boolean
location reference cmn_location
made_sla boolean
opened_at glide_date_time
opened_by reference sys_user
order integer
parent reference task
priority integer
reassignment_count integer
short_description string 160
sla_due glide_date_time
state integer
sys_class_name sys_class_name 80
sys_domain reference sys_user_group
sys_domain_path string 255
time_worked timer
upon_approval string
upon_reject string
urgency integer
user_input user_input 4000
watch_list glide_list 4000
work_end glide_date_time
work_notes journal_input 4000
work_notes_list glide_list
work_start glide_date_time
"""
_INCIDENT = """
business_stc integer
calendar_stc integer
caller_id reference sys_user
category string
caused_by reference change_request
child_incidents integer
close_code string
hold_reason integer
incident_state integer
notify integer
parent_incident reference incident
problem_id reference problem
reopen_count integer
reopened_by reference sys_user
reopened_time glide_date_time
resolved_at glide_date_time
resolved_by reference sys_user
rfc reference change_request
severity integer
subcategory string
"""
_PROBLEM = """
category string
cause_notes html 4000
confirmed_at glide_date_time
first_reported_by_task reference task
fix_at glide_date_time
fix_notes html 4000
known_error boolean
major_problem boolean
problem_state integer
related_incidents integer
resolution_code string
resolved_at glide_date_time
resolved_by reference sys_user
rfc reference change_request
subcategory string
workaround html 4000
workaround_applied boolean
"""
_CHANGE = """
backout_plan string 4000
category string
cab_required boolean
close_code string
conflict_status string
end_date glide_date_time
implementation_plan string 4000
justification string 4000
on_hold boolean
on_hold_reason string 4000
phase string
reason string
requested_by reference sys_user
risk integer
start_date glide_date_time
test_plan string 4000
type string
"""
_ITEM = """
cat_item reference sc_cat_item
quantity integer
request reference sc_request
requested_for reference sys_user
stage string
"""
_USER = """
active boolean
company reference core_company
department string
email email 100
first_name string 50
last_name string 50
location reference cmn_location
manager reference sys_user
mobile_phone string
name string 151
phone string
time_zone string
title string 60
user_name string
vip boolean
"""
_GROUP = """
active boolean
description string 1000
email email 100
manager reference sys_user
name string 80
parent reference sys_user_group
type string
"""
_CI = """
asset_tag string
assigned_to reference sys_user
install_status integer
location reference cmn_location
name string 255
operational_status integer
owned_by reference sys_user
short_description string 1000
support_group reference sys_user_group
sys_class_name sys_class_name 80
"""
_SERVICE = """
busines_criticality string
service_status string
used_for string
"""
# Articles are no tasks: they have a workflow of their own, and who may read them is said by user criteria.
_ARTICLE = """
number string
active boolean
article_id string 100
article_type string
author reference sys_user
can_read_user_criteria glide_list 4000
cannot_read_user_criteria glide_list 4000
flagged boolean
kb_category reference kb_category
kb_knowledge_base reference kb_knowledge_base
language string
latest boolean
meta string 4000
published glide_date
retired glide_date
roles user_roles 255
short_description string 200
sys_class_name sys_class_name 80
sys_view_count integer
text html 65000
topic string
valid_to glide_date
version reference kb_version
wiki wiki_text 65000
workflow_state string
"""
_BASE = """
active boolean
description string 1000
kb_version string
owner reference sys_user
title string 255
workflow string
"""
_NAMED = """
name string 255
"""


def _table(name: str, label: str, text: str, extends: str = "", prefix: str = "", display: str = "name") -> TableSpec:
    own = text if extends else SYSTEM_FIELDS + text
    return TableSpec(name, label, fields_of(name, own), extends, prefix, display)


TABLES: tuple[TableSpec, ...] = (
    _table("task", "Task", _TASK, prefix="TASK", display="number"),
    _table("incident", "Incident", _INCIDENT, "task", "INC", "number"),
    _table("problem", "Problem", _PROBLEM, "task", "PRB", "number"),
    _table("change_request", "Change Request", _CHANGE, "task", "CHG", "number"),
    _table("sc_request", "Request", "requested_for reference sys_user", "task", "REQ", "number"),
    _table("sc_req_item", "Requested Item", _ITEM, "task", "RITM", "number"),
    _table("kb_knowledge", "Knowledge", _ARTICLE, prefix="KB", display="number"),
    _table("kb_knowledge_base", "Knowledge Base", _BASE, display="title"),
    _table("kb_category", "Knowledge Category", "label string 255\nactive boolean\n", display="label"),
    _table("kb_version", "Article Version", "version string\nknowledge reference kb_knowledge\n", display="version"),
    _table("user_criteria", "User Criteria", "name string 100\nactive boolean\nadvanced boolean\n"),
    *(
        _table(
            f"kb_uc_{who}_mtom",
            "Knowledge Base User Criteria",
            "kb_knowledge_base reference kb_knowledge_base\nuser_criteria reference user_criteria\n",
            display="sys_id",
        )
        for who in ("can_read", "cannot_read", "can_contribute", "cannot_contribute")
    ),
    _table("sys_user", "User", _USER),
    _table("sys_user_group", "Group", _GROUP),
    _table("sys_user_role", "Role", _NAMED),
    _table(
        "sys_user_has_role", "User Role", "user reference sys_user\nrole reference sys_user_role\n", display="sys_id"
    ),
    _table("core_company", "Company", _NAMED),
    _table("cmn_location", "Location", _NAMED),
    _table("sc_cat_item", "Catalog Item", _NAMED),
    _table("cmdb_ci", "Configuration Item", _CI),
    _table("cmdb_ci_service", "Service", _SERVICE, "cmdb_ci"),
    _table(
        "cmdb_rel_ci",
        "CI Relationship",
        "parent reference cmdb_ci\nchild reference cmdb_ci\ntype reference cmdb_rel_type\n",
        display="sys_id",
    ),
    _table("cmdb_rel_type", "CI Relationship Type", _NAMED),
    TableSpec(
        "sys_journal_field",
        "Journal Entry",
        fields_of(
            "sys_journal_field",
            "sys_id GUID 32\nname string 80\nelement string 80\nelement_id string 32\nvalue string 65000\n"
            "sys_created_on glide_date_time\nsys_created_by string\nsys_tags related_tags\n",
        ),
        display="sys_id",
    ),
    TableSpec(
        "sys_audit",
        "Audit",
        fields_of(
            "sys_audit",
            "sys_id GUID 32\ntablename string 80\ndocumentkey string 32\nfieldname string 80\noldvalue string 4000\n"
            "newvalue string 4000\nuser string 40\nsys_created_on glide_date_time\nsys_created_by string\nsys_tags related_tags\n",
        ),
        display="sys_id",
    ),
    _table(
        "sys_dictionary",
        "Dictionary Entry",
        "name string 80\nelement string 80\ncolumn_label string 80\ninternal_type reference sys_glide_object\n"
        "reference reference sys_db_object\nmax_length integer\nmandatory boolean\nread_only boolean\nactive boolean\n"
        "default_value string 512\nchoice integer\n",
        display="element",
    ),
    _table("sys_db_object", "Table", "name string 80\nlabel string 80\nsuper_class reference sys_db_object\n"),
    _table("sys_glide_object", "Field class", _NAMED),
    _table(
        "sys_choice",
        "Choice",
        "name string 80\nelement string 80\nvalue string\nlabel string 80\nlanguage string\n"
        "inactive boolean\nsequence integer\n",
        display="label",
    ),
    _table("sys_properties", "System Property", "name string 100\nvalue string 4000\ndescription string 512\n"),
)
