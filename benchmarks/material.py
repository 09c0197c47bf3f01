"""What is measured with: made-up records, fifty rules as the files people write, and a source that costs nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loopbot.domain.records import Change, Incident, Involved, Person, Record, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.language.loader import load_rules
from loopbot.ports import Cursor, Page

STREAM = "servicenow:incident"
PAGE = 1000
TITLES = (
    "Checkout answers slowly for customers in the north",
    "Label printer in hall 2 prints blank pages",
    "Password reset mail comes hours late",
    "Export of the nightly orders stops half way",
    "Portal logs me out while I type",
    "Stock of green tea shows a negative count",
    "Card payment declined although the bank says yes",
    "Cannot open the warehouse map on the handheld",
)
STATES = ("new", "in_progress", "on_hold", "resolved")
CATEGORIES = ("software", "hardware", "network", "inquiry", "database")
SERVICES = 40


def incidents(count: int, *, now: datetime | None = None) -> list[Incident]:
    """As many incidents as a busy desk has open, no two alike, with a reporter and two paragraphs each."""
    now = (now or datetime.now(UTC)).replace(microsecond=0)
    return [
        Incident(
            ref=Ref("servicenow", "incident", f"INC{number:07}"),
            ident=f"{number:032x}",
            title=f"{TITLES[number % len(TITLES)]} ({number})",
            text=f"It began this morning and has happened {number % 17} times since. " * 4,
            state=STATES[number % len(STATES)],
            updated_at=now - timedelta(days=1),
            opened_at=now - timedelta(minutes=number * 7),
            version=3,
            url=f"https://acme.example/nav_to.do?uri=incident.do?sys_id={number:032x}",
            services=frozenset({f"Service {number % SERVICES}"}),
            people=(
                Involved(
                    "reporter",
                    Person(
                        "servicenow", f"{number % 900:032x}", f"Person {number % 900}", f"p{number % 900}@acme.example"
                    ),
                ),
                Involved("assignee", Person("servicenow", f"{number % 60:032x}", f"Agent {number % 60}")),
            ),
            priority=number % 5 + 1,
            category=CATEGORIES[number % len(CATEGORIES)],
            group=f"Group {number % 30}",
            reopened=number % 11 // 10,
        )
        for number in range(count)
    ]


def changed(records: Sequence[Incident]) -> list[Incident]:
    """The same incidents after somebody worked on each: another state, a new stamp, a counter further."""
    return [
        replace(
            one,
            state=STATES[(STATES.index(one.state) + 1) % len(STATES)],
            updated_at=one.updated_at + timedelta(hours=1),
            version=(one.version or 0) + 1,
        )
        for one in records
    ]


def changes(count: int) -> list[Record]:
    """Finished changes of the last week, for the rules that look for one."""
    now = datetime.now(UTC).replace(microsecond=0)
    return [
        Change(
            ref=Ref("servicenow", "change", f"CHG{number:07}"),
            ident=f"{number:032x}",
            title=f"Bring version {number} of the export to production",
            state="closed",
            updated_at=now - timedelta(days=1),
            opened_at=now - timedelta(hours=number + 2),
            started_at=now - timedelta(hours=number + 1),
            finished_at=now - timedelta(hours=number),
            services=frozenset({f"Service {number % SERVICES}"}),
        )
        for number in range(count)
    ]


@dataclass(frozen=True, slots=True)
class Ready:
    """A source whose rows are in memory already: what is left of the time is ours."""

    records: Sequence[Record]
    stream: str = STREAM

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """A thousand at a time."""
        del cursor
        for start in range(0, len(self.records), PAGE):
            some = tuple(self.records[start : start + PAGE])
            yield Page(some, Cursor(f"{start + PAGE}"), len(some))

    def count(self) -> int | None:
        """All of them."""
        return len(self.records)


# Clauses that people write; each is a different field, operator or form.
CLAUSES = (
    "it.priority <= 2",
    'it.state == "resolved"',
    'it.category == "database"',
    "it.reopened > 0",
    'it.state in ["new", "in_progress"]',
    'it.title =~~ "(?i)blank pages"',
    "now - it.opened_at > 30d",
    '"Service 7" in it.services',
    'before != null and before.state == "on_hold"',
    'it.group != "Group 3"',
    '"tea" in it.title',
    'it.environment == null or it.environment == "production"',
    "not it.finished",
    'it.title.as_lower.starts_with("portal")',
    "it.opened_at > now - 14d",
    '(it.close_code ?? "none") == "none"',
    "it.priority == 1",
)
POST = '[[then]]\ndo = "post"\nchannel = "operations"\ntext = "{it.key} {it.title}: {it.services}"\n'
NOTE = '[[then]]\ndo = "comment"\ninternal = true\ntext = "Seen before in {it.category}: {it.title}"\n'
SEARCHES = """\
about = "An urgent incident is linked to the change that most likely caused it."
on = "incident"
when = 'it.priority == 1 and "Export" in it.title and it.services.length == 1 and "Service 3" in it.services'
limit = 10000
[match]
kind = "change"
where = 'other.state in ["implement", "review", "closed"]'
within = "7d"
rank = "suspect"
[[then]]
do = "link"
relation = "caused_by"
in = ["servicenow"]
"""
FOLLOWS = """\
about = "Whoever reported an incident hears that it is fixed."
on = "incident"
when = 'it.state == "resolved" and it.priority == 1 and it.category == "software"'
[match]
kind = "deployment"
through = ["problem_of", "fixes", "delivers"]
where = 'other.state == "succeeded" and other.occurred_at > it.occurred_at'
[[then]]
do = "tell"
who = "reporter"
text = "It is fixed: {it.title}"
"""
REPEATS = """\
about = "Three alike on one service become a problem."
on = "incident"
when = 'it.priority == 1 and it.state == "new" and "Service 5" in it.services'
limit = 10000
[repeat]
at_least = 3
within = "14d"
same = "service"
alike = 0.3
[[then]]
do = "open"
system = "servicenow"
kind = "problem"
place = "problem"
as = "problem"
join = "problem_of"
title = "Recurring: {it.title}"
text = "{count} alike: {others}"
[[then]]
do = "link"
relation = "problem_of"
from = "problem"
to = ["it", "others"]
"""
SETTLES = """\
about = "An urgent incident that nobody took for an hour is told."
on = "incident"
when = 'it.priority == 1 and it.state == "new" and it.reopened > 0'
settle = "1h"
limit = 10000
"""


def rule_files(folder: Path, count: int = 50) -> None:
    """Write so many rules for incidents: conditions of one to four clauses, with a match, a repeat, a settle among them."""
    special = {"search": SEARCHES, "follow": FOLLOWS, "repeat": REPEATS, "settle": SETTLES + POST}
    for name, text in special.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    for number in range(count - len(special)):
        clauses = [CLAUSES[(number * 5 + step * 7) % len(CLAUSES)] for step in range(number % 3)]
        # Each rule is about one corner of the desk, as rules are: most records are none of its business.
        corner = [f'it.group == "Group {number % 30}"', f'"Service {number % SERVICES}" in it.services']
        if number % 4:
            corner = [corner[0], f'it.text =~~ "happened {number % 17} times"']
        when = " and ".join([*(f"({one})" for one in clauses), *corner])
        text = f"about = \"Rule {number}.\"\non = \"incident\"\nlimit = 10000\nwhen = '''{when}'''\n{NOTE if number % 3 else POST}"
        (folder / f"rule-{number}.toml").write_text(text, encoding="utf-8")


def rulebook(folder: Path) -> Rulebook:
    """Those rules, loaded as `loopbot run` does."""
    folder.mkdir(exist_ok=True)
    rule_files(folder)
    loaded = load_rules(folder)
    if loaded.errors:
        raise ExceptionGroup("a rule of the benchmark has a mistake", loaded.errors)
    return Rulebook(loaded.rules)
