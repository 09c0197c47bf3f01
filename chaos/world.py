"""The world of one run: three twins, the people in them, and rows, answers and indexes that come late."""

import random
from dataclasses import dataclass, field
from datetime import timedelta

from chaos.clocks import Clock
from chaos.wire import Request
from loopbot.domain.records import Person
from loopbot.sandbox.jira import JiraTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.behaviour import RefusedError
from loopbot.sandbox.servicenow.twin import ServiceNowTwin
from loopbot.sandbox.slack.twin import SlackTwin

SERVICES = ("Order Export", "Checkout")
TITLES = (
    "The export stands still",
    "The export stands still again since noon",
    "Nightly export stands still",
    "Checkout is slow for everybody",
    "The printer in hall 2 prints blank pages",
)
PEOPLE = ("mara", "jonas", "aiko")
CHANNELS = ("outages", "news", "questions")
INCIDENT_STATES = ("1", "2", "3", "6", "7", "2", "1")
ISSUE_STATES = ("In Progress", "In Review", "Done", "To Do", "Done")
URGENCIES = (("1", "1"), ("1", "2"), ("2", "2"), ("3", "3"))


@dataclass
class World:
    """`true` is the time; each server's own clock may be off by up to ten minutes."""

    true: Clock
    off: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ledger: Ledger = field(default_factory=Ledger)
    incidents: list[str] = field(default_factory=list)
    late: list[tuple[float, Request]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clocks = {
            name: Clock(self.true, off) for name, off in zip(("servicenow", "jira", "slack"), self.off, strict=True)
        }
        self.servicenow = ServiceNowTwin(self.ledger, now=self.clocks["servicenow"].now)
        self.jira = JiraTwin(self.ledger, now=self.clocks["jira"].shown)
        self.slack = SlackTwin(self.ledger, now=self.clocks["slack"].now)
        self.faults = {
            "servicenow": self.servicenow.faults,
            "jira": self.jira.faults,
            "slack": self.slack.faults,
        }
        self.hosts = {
            f"{name}.test": (twin.app, self.clocks[name].now)
            for name, twin in (("servicenow", self.servicenow), ("jira", self.jira), ("slack", self.slack))
        }
        self.began = self.true.now() - timedelta(days=1)
        self._users: dict[str, str] = {}
        self.accounts: dict[str, str] = {}
        for name in PEOPLE:
            email = self.person(name).email
            values = {"user_name": name, "name": name.title(), "email": email}
            self._users[name] = self.servicenow.insert("sys_user", values)["sys_id"]
            self.jira.add_user(name, name.title(), email)
            self.accounts[name] = self.slack.add_user(name, email)
        self._services = {
            name: self.servicenow.insert("cmdb_ci_service", {"name": name})["sys_id"] for name in SERVICES
        }
        self.jira.add_project("LOOP", "Shop")
        for channel in CHANNELS:
            self.slack.add_channel(channel, self.accounts.values())

    def person(self, name: str) -> Person:
        """Somebody, as Slack knows them."""
        return Person("slack", self.accounts.get(name, ""), name.title(), f"{name}@northwind.example")

    def reporter(self, number: str) -> str:
        """The Slack account of whoever reported this incident."""
        caller = self.servicenow.row("incident", number)["caller_id"]
        return next(self.accounts[name] for name, user in self._users.items() if user == caller)

    # ------------------------------------------------------------------ what people do

    def report(self, title: str, urgency: tuple[str, str], service: str, who: str, visible_after: float = 0.0) -> str:
        """Somebody reports an incident; its number."""
        values = {
            "short_description": title,
            "description": f"{title}, says {who}",
            "caller_id": self._users[who],
            "business_service": self._services[service],
            "impact": urgency[0],
            "urgency": urgency[1],
        }
        number = self.servicenow.insert("incident", values, actor=who, visible_after=visible_after)["number"]
        self.incidents.append(number)
        return number

    def somebody_acts(self, chance: random.Random) -> str:
        """A person does something, drawn by chance; what it was. Systems say no to people, too."""
        try:
            return self._acts(chance)
        except (RefusedError, KeyError) as refused:
            return f"somebody is refused: {refused}"

    def _acts(self, chance: random.Random) -> str:
        who = chance.choice(PEOPLE)
        keys = [one.key for one in self.jira.issues("LOOP")]
        what = chance.choice(
            ["report", "edit", "move", "say", "issue", "issue move", "issue edit", "issue say", "link"]
        )
        if what == "report" or not self.incidents:
            late = chance.choice([0.0, 0.0, 0.0, chance.uniform(1, 45)])
            given = (chance.choice(TITLES), chance.choice(URGENCIES), chance.choice(SERVICES), who, late)
            return f"{who} reports {self.report(*given)}"
        if what == "issue" or (what.startswith(("issue", "link")) and not keys):
            return f"{who} opens {self.jira.create_issue('LOOP', chance.choice(TITLES), actor=who).key}"
        number = chance.choice(self.incidents)
        key = chance.choice(keys) if keys else ""
        if what == "edit":
            change = {"short_description": f"{chance.choice(TITLES)} ({chance.randrange(1000)})"}
            self.servicenow.update("incident", number, change, actor=who)
        elif what == "move":
            state = chance.choice(INCIDENT_STATES)
            closing = {"close_code": "Solution provided", "close_notes": "done"} if state in {"6", "7"} else {}
            self.servicenow.update("incident", number, {"state": state, **closing}, actor=who)
        elif what == "say":
            self.servicenow.update("incident", number, {"comments": f"any news? {chance.randrange(1000)}"}, actor=who)
        elif what == "issue move":
            self.jira.transition(key, chance.choice(ISSUE_STATES), actor=who)
        elif what == "issue edit":
            self.jira.edit(key, {"summary": f"{chance.choice(TITLES)} ({chance.randrange(1000)})"}, actor=who)
        elif what == "issue say":
            self.jira.comment(key, f"working on it {chance.randrange(1000)}", actor=who)
        else:
            problems = [row["sys_id"] for row in self.servicenow.rows("problem")]
            if problems:
                self.servicenow.update("incident", number, {"problem_id": chance.choice(problems)}, actor=who)
        return f"{who}: {what} {number} {key}"
