"""A believable company in the sandbox: a tea shop on the web, its people, its tickets in their own words."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from loopbot.sandbox.estate import PROJECT, REPOSITORY, Estate

PEOPLE = {
    "mara.lindqvist": "Mara Lindqvist",
    "jonas.weber": "Jonas Weber",
    "aiko.tanaka": "Aiko Tanaka",
    "samuel.okoro": "Samuel Okoro",
    "ines.moreau": "Inès Moreau",
    "beth.anglin": "Beth Anglin",
    "priya.nair": "Priya Nair",
    "tom.brandt": "Tom Brandt",
}
SERVICES = ("Order Export", "Checkout", "Warehouse Sync", "Customer Portal")
_OLD_TICKETS = (
    (
        "Label printer in hall 2 prints blank pages",
        "It worked yesterday. We changed the roll twice.",
        "Warehouse Sync",
        9,
        "samuel.okoro",
    ),
    (
        "Password reset mail comes hours late",
        "Three customers called about it this morning.",
        "Customer Portal",
        8,
        "ines.moreau",
    ),
    (
        "Card payment declined although the bank says yes",
        "Happens with one issuer only, as far as I see.",
        "Checkout",
        6,
        "jonas.weber",
    ),
    (
        "Stock of green tea shows -4",
        "The count after the inventory was right, then it went negative.",
        "Warehouse Sync",
        5,
        "samuel.okoro",
    ),
    (
        "Please add my new colleague to the warehouse group",
        "Her name is Lena Fuchs, she starts on Monday.",
        "Warehouse Sync",
        3,
        "samuel.okoro",
    ),
    (
        "Portal logs me out while I type",
        "After a few minutes, even in the middle of a form.",
        "Customer Portal",
        2,
        "aiko.tanaka",
    ),
)
_OLD_ISSUES = (
    ("Show delivery window on the order page", "Story"),
    ("Upgrade payment client to version 7", "Task"),
    ("Session cookie expires too early on the portal", "Bug"),
    ("Nightly stock sync should retry on timeout", "Bug"),
)


STAFF = """
# Whom loopbot asks, and where.
[roles]
operators = ["tom.brandt@northwind.example"]
agents = ["beth.anglin@northwind.example"]
problem_managers = ["beth.anglin@northwind.example"]
release_managers = ["tom.brandt@northwind.example"]
product_owners = ["samuel.okoro@northwind.example"]

[questions]
channel = "support"
gather_seconds = 0
"""
"""What the shop's configuration says of its people, for a sandbox that is to ask them."""


OPEN_BASE, OPEN_SPACE = "Help for everybody", "HELP"
KNOWLEDGE = f"""
# What everybody at the shop may read.
[systems.servicenow.articles]
bases = ["{OPEN_BASE}"]

[systems.jira.articles]
spaces = ["{OPEN_SPACE}"]
every = "PT10S"
"""
"""What the shop's configuration says of its knowledge bases, once the company has written some articles (`write_down`)."""


@dataclass(slots=True)
class Company:
    """Northwind Tea: what is there before the story begins, and what its people do in it."""

    estate: Estate
    users: dict[str, str] = field(default_factory=dict)
    slack_ids: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)

    def move_in(self) -> None:
        """People, services, old tickets, a backlog, a first deployment, the channels."""
        self._people()
        self._old_tickets()
        self.estate.jira.add_project(PROJECT, "Shop")
        for title, kind in _OLD_ISSUES:
            self.estate.jira.create_issue(PROJECT, title, issuetype={"name": kind})
        self.estate.github.add_repo(REPOSITORY)
        self.estate.github.commit(REPOSITORY, f"{PROJECT}-1 Show delivery window", "priya", files=["shop/orders.py"])
        self.deploy()

    def write_down(self) -> dict[str, str]:
        """Articles: for everybody in ServiceNow and in the wiki, and for those who work at the desk; the id of each, by title."""
        servicenow, wiki = self.estate.servicenow, self.estate.jira.wiki
        bases = {
            name: servicenow.insert("kb_knowledge_base", {"title": name})["sys_id"] for name in (OPEN_BASE, "Desk")
        }
        written = {}
        for base, title, text in (
            (
                OPEN_BASE,
                "Reset your VPN token",
                "<p>Open the portal.</p><ul><li>Choose <b>Security</b></li><li>Press Reset</li></ul>",
            ),
            (OPEN_BASE, "Print labels in hall 2", "<p>Turn the roll so that the shiny side is up.</p>"),
            ("Desk", "Reset a VPN token for somebody", "<p>For the desk alone: the master code is in the safe.</p>"),
        ):
            values = {"short_description": title, "text": text, "kb_knowledge_base": bases[base]}
            written[title] = servicenow.insert("kb_knowledge", {**values, "workflow_state": "published"})["sys_id"]
        wiki.add_space(OPEN_SPACE, OPEN_BASE)
        home = wiki.add(OPEN_SPACE, "Home", "<p>Welcome.</p>")
        title = "Export orders to a spreadsheet"
        text = "<h2>Steps</h2><ol><li>Open Orders</li><li>Press Export and choose Spreadsheet</li></ol>"
        written[title] = wiki.add(OPEN_SPACE, title, text, parent=home)
        return written

    def report(
        self, who: str, title: str, text: str, service: str, *, minutes_ago: float = 0, priority: str = "2"
    ) -> str:
        """Someone reports an incident; its number."""
        values = {
            "short_description": title,
            "description": text,
            "caller_id": self.users[who],
            "business_service": self.services[service],
            "opened_at": _stamp(minutes_ago),
            "impact": priority,
            "urgency": priority,
            "u_environment": "production",
        }
        return self.estate.servicenow.insert("incident", values, actor=who)["number"]

    def say(self, who: str, title: str, text: str, topic: str = "") -> str:
        """Someone gives feedback; its number."""
        values = {
            "u_title": title,
            "u_text": text,
            "u_topic": topic,
            "u_said_by": self.users[who],
            "u_environment": "production",
        }
        return self.estate.servicenow.insert("u_feedback", values, actor=who)["number"]

    def change(self, title: str, text: str, service: str, *, minutes_ago: float) -> str:
        """A change was made that long ago, in a quarter of an hour; its number."""
        values = {
            "short_description": title,
            "description": text,
            "business_service": self.services[service],
            "type": "normal",
            "state": "3",
            "close_code": "successful",
            "opened_at": _stamp(minutes_ago + 3000),
            "start_date": _stamp(minutes_ago + 15),
            "end_date": _stamp(minutes_ago),
            "work_start": _stamp(minutes_ago + 15),
            "work_end": _stamp(minutes_ago),
        }
        return self.estate.servicenow.insert("change_request", values, actor="priya.nair")["number"]

    def fix(self, key: str, summary: str) -> str:
        """A developer works on an issue, and the pull request is merged; the commit."""
        jira, github = self.estate.jira, self.estate.github
        jira.edit(key, {"assignee": "priya.nair"}, actor="priya.nair")
        jira.transition(key, "In Progress", actor="priya.nair")
        github.pull_request(
            REPOSITORY, f"{key} {summary}", "Reads every page.", f"fix/{key.lower()}", [summary], author="priya"
        )
        # What goes out last is not what fixes it: the whole range since the last deployment counts.
        head = github.commit(REPOSITORY, "Tidy up the export tests", "priya", files=["tests/test_export.py"])
        jira.transition(key, "Done", actor="priya.nair")
        return head

    def deploy(self, environment: str = "production") -> int:
        """The build goes out."""
        return self.estate.github.deploy(REPOSITORY, "main", environment)

    def _people(self) -> None:
        servicenow, jira, slack = self.estate.servicenow, self.estate.jira, self.estate.slack
        servicenow.add_field("incident", "u_environment", "string:40")
        fields = {
            "u_title": "string:200",
            "u_text": "string:4000",
            "u_topic": "string:40",
            "u_said_by": "reference:sys_user",
            "u_environment": "string:40",
        }
        servicenow.add_table("u_feedback", fields, extends="task", prefix="FDB")
        for name, shown in PEOPLE.items():
            email = f"{name}@northwind.example"
            self.users[name] = servicenow.insert("sys_user", {"user_name": name, "name": shown, "email": email})[
                "sys_id"
            ]
            jira.add_user(name, shown, email)
            self.slack_ids[name] = slack.add_user(name, email)
        for service in SERVICES:
            self.services[service] = servicenow.insert("cmdb_ci_service", {"name": service})["sys_id"]
        slack.add_channel("releases", [self.slack_ids["tom.brandt"]])
        slack.add_channel("support", [self.slack_ids["beth.anglin"]])

    def _old_tickets(self) -> None:
        for title, text, service, days, who in _OLD_TICKETS:
            self.report(who, title, text, service, minutes_ago=days * 1440, priority="3")


def _stamp(minutes_ago: float) -> str:
    return f"{datetime.now(UTC) - timedelta(minutes=minutes_ago):%Y-%m-%d %H:%M:%S}"
