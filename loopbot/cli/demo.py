"""`loopbot demo`: the real daemon, on twins of the real systems, closing one loop while you watch."""

import queue
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.explaining import print_chain
from loopbot.cli.opening import console
from loopbot.domain.errors import LoopbotError
from loopbot.domain.texts import listed, shorten

if TYPE_CHECKING:
    from rich.console import Console

    from loopbot.domain.rules import Plan
    from loopbot.sandbox.company import Company
    from loopbot.sandbox.ledger import Entry, Ledger
    from loopbot.sandbox.slack import Message
    from loopbot.wiring import Installation

_NAMES = {"servicenow": "ServiceNow", "jira": "Jira", "slack": "Slack", "github": "GitHub"}
_FIELDS = {"caused_by": "the change that caused it", "problem_id": "its problem", "correlation_id": "its marker"}
_PATIENCE = 20.0
_MARGIN = 18


class StuckStoryError(LoopbotError):
    """A step of the story did not happen in time."""


@dataclass(slots=True)
class Overheard:
    """Keeps what the rules planned until the story tells it."""

    plans: "queue.SimpleQueue[Plan]" = field(default_factory=queue.SimpleQueue)
    noted_failures: list[str] = field(default_factory=list)

    def planned(self, plan: "Plan", new: int) -> None:
        """A rule wants something new."""
        del new
        self.plans.put(plan)

    def noted(self, what: str, **fields: object) -> None:
        """Failures are kept, for the case that the story gets stuck."""
        if what not in {"effect delivered", "answered"}:
            self.noted_failures.append(f"{what} {fields}")


@dataclass(slots=True)
class Teller:
    """Tells the story in the terminal: what people do, which rule woke up, what was written where."""

    out: "Console"
    ledger: "Ledger"
    overheard: Overheard
    pause: float
    told: int = 0

    def scene(self, title: str) -> None:
        """A new step."""
        time.sleep(self.pause)
        self.out.print(f"\n{title}", style="bold")

    def person(self, who: str, text: str) -> None:
        """What somebody says or does."""
        self._line(who, text, "cyan")

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Tell what happens until it is so; raises StuckStoryError after 20 seconds."""
        end = time.monotonic() + _PATIENCE
        while not done():
            self._tell()
            if time.monotonic() > end:
                heard = "; ".join(self.overheard.noted_failures[-3:])
                message = f"the demo waited {_PATIENCE:g} s for this and gave up: {what}. {heard}"
                raise StuckStoryError(message)
            time.sleep(0.02)
        self._tell()

    def _tell(self) -> None:
        while not self.overheard.plans.empty():
            plan = self.overheard.plans.get()
            self._line("loopbot", f"{plan.subject.key}: {plan.because} [rule {plan.rule}]", "dim")
        entries = self.ledger.entries()
        for entry in entries[self.told :]:
            if entry.kind != "conversation":
                self._line(f"→ {_NAMES.get(entry.system, entry.system)}", in_words(entry))
        self.told = len(entries)

    def _line(self, who: str, text: str, style: str = "") -> None:
        """One line, its name in the margin, wrapped beside it."""
        width = max(self.out.width - _MARGIN, 30)
        lines = textwrap.wrap(text, width) or [""]
        for place, line in enumerate(lines):
            self.out.print(f"  {who if place == 0 else '':<{_MARGIN - 2}}{line}", markup=False, style=style)


def in_words(entry: "Entry") -> str:
    """A write that a twin accepted, as its people would see it."""
    said = " ".join(str(_said(entry)).split())
    quoted = f": “{shorten(said, 120)}”" if said else ""
    match entry.action:
        case "create":
            return f"{entry.kind} {entry.key} opened{quoted}"
        case "work_note":
            return f"internal note on {entry.key}{quoted}"
        case "comment":
            return f"comment on {entry.key}{quoted}"
        case "update":
            return f"{entry.key}: {listed(_FIELDS.get(name, name) for name in entry.payload)} set"
        case "remotelink" | "link":
            return f"{entry.key} linked{quoted}"
        case "post":
            return f"message{quoted}"
        case "amend":
            return f"message brought up to date{quoted}"
        case _:
            return f"{entry.key}: {entry.action}{quoted}"


def tell_story(*, pause: float, hold: bool) -> None:
    """Run the demo from the first ticket to the last answer."""
    from loopbot.config import load_config
    from loopbot.engine.embedded import Bells, Embedded
    from loopbot.sandbox.company import STAFF, Company
    from loopbot.sandbox.estate import Estate
    from loopbot.wiring import Outfit, installed, starter_rules

    out = console()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="loopbot-demo-") as folder, Estate() as estate:
        company = Company(estate)
        company.move_in()
        config = load_config(estate.write_config(Path(folder), rules=starter_rules(), more=STAFF))
        overheard = Overheard()
        with installed(config, Outfit(witness=overheard)) as here:
            out.print("loopbot demo: one loop, from a ticket to the person who wrote it", style="bold")
            out.print(
                "Northwind Tea sells tea on the web. Its ServiceNow, Jira, GitHub and Slack run here, as twins on loopback:"
            )
            out.print("  " + ", ".join(f"{_NAMES[name]} {url}" for name, url in estate.urls.items()), markup=False)
            polls = {source.stream: 0.5 for source in here.sources}
            engine = Embedded(here.loop, here.sources, Bells(polls, deliver=0.5, reconcile=2.0, wake=0.5))
            for chat in here.chats:
                chat.listen(here.conversation(chat))
            engine.start()
            try:
                teller = Teller(out, estate.ledger, overheard, pause)
                ticket = Story(company, here, teller).tell()
                _ending(out, here, ticket, len(estate.ledger.entries()), time.monotonic() - started)
                if hold:
                    out.print("Everything keeps running until Ctrl-C.")
                    threading.Event().wait()
            finally:
                engine.stop()


@dataclass(slots=True)
class Story:
    """The steps, each waiting until what it tells has really happened."""

    company: "Company"
    here: "Installation"
    teller: Teller

    def tell(self) -> str:
        """All of it; returns the number of the first ticket."""
        estate, teller = self.company.estate, self.teller
        teller.wait("the first reading of all systems", self._all_read)
        first = self._a_change_breaks_something()
        self._others_say_the_same()
        issue = self._work_for_the_developers()
        self._feedback()
        self._it_is_deployed(issue)
        teller.scene("6. Mara answers under the message")
        told = self._asked("mara.lindqvist")[-1]
        teller.person("Mara Lindqvist", "presses “Yes, it works”")
        action = next(
            element["action_id"] for block in told.blocks if block["type"] == "actions" for element in block["elements"]
        )
        estate.slack.click(told, action, self.company.slack_ids["mara.lindqvist"])
        teller.wait("the answer to be noted", lambda: self._journal_says(first, "answered: yes"))
        teller.wait("her ticket to be resolved", lambda: self._state(first) == "resolved")
        return first

    def _a_change_breaks_something(self) -> str:
        teller = self.teller
        teller.scene("1. A change goes in; twenty minutes later Mara writes a ticket")
        change = self.company.change(
            "Order export reads in pages",
            "The export of orders reads 1,000 rows a page now.",
            "Order Export",
            minutes_ago=35,
        )
        teller.person("Priya Nair", f"has finished {change}: Order export reads in pages")
        title = "Order export stops after 1,000 rows"
        teller.person("Mara Lindqvist", f"“{title}. My monthly report is short of half its orders.”")
        text = (
            "My monthly report is short of half its orders. The export file ends in the middle of March. "
            f"The service desk adds: it began after {change}."
        )
        first = self.company.report("mara.lindqvist", title, text, "Order Export", minutes_ago=14)
        teller.wait("the incident to be linked to its change", lambda: bool(self._field(first, "caused_by")))
        return first

    def _others_say_the_same(self) -> None:
        teller = self.teller
        teller.scene("2. Jonas and Aiko report the same, in their own words")
        teller.person("Jonas Weber", "“The order export is cut off after 1,000 rows”")
        text = "The CSV export of the orders stops in the middle, the report needs all of them."
        self.company.report(
            "jonas.weber", "The order export is cut off after 1,000 rows", text, "Order Export", minutes_ago=12
        )
        teller.person("Aiko Tanaka", "“Order export is incomplete, it stops after 1,000 rows”")
        text = "The export of the orders stops after 1,000 rows, my report needs all of them."
        last = self.company.report(
            "aiko.tanaka", "Order export is incomplete, it stops after 1,000 rows", text, "Order Export", minutes_ago=11
        )
        teller.wait("Beth to be asked", lambda: bool(self._question("one problem?")))
        asked = self._question("one problem?")
        teller.person("Beth Anglin", "reads the three in #support, and presses “Open a problem”")
        slack = self.company.estate.slack
        slack.click(asked[-1], "loopbot:promote", self.company.slack_ids["beth.anglin"])
        teller.wait("the tickets to become a problem", lambda: bool(self._field(last, "problem_id")))

    def _work_for_the_developers(self) -> str:
        teller, ledger = self.teller, self.company.estate.ledger
        teller.scene("3. The problem becomes work for the developers")
        teller.wait("a backlog item", lambda: bool(ledger.entries("jira", "create")))
        key = ledger.entries("jira", "create")[0].key
        teller.wait("the item in the mirror", lambda: self._mirrored(key))
        return key

    def _feedback(self) -> None:
        teller = self.teller
        teller.scene("4. Inès has a wish")
        title = "It would be nice to get the export as a spreadsheet"
        teller.person("Inès Moreau", f"“{title}”")
        count = len(self.company.estate.ledger.entries("jira", "create"))
        self.company.say("ines.moreau", title, "CSV always asks me about separators. Please add XLSX.", "feature")
        teller.wait(
            "the wish in the backlog", lambda: len(self.company.estate.ledger.entries("jira", "create")) > count
        )

    def _it_is_deployed(self, issue: str) -> None:
        teller, slack = self.teller, self.company.estate.slack
        teller.scene("5. Priya fixes it, and the build goes out to production")
        teller.person("Priya Nair", f"“{issue} Read every page of the export”, merged and deployed")
        self.company.fix(issue, "Read every page of the export")
        self.company.deploy()
        reporters = ("mara.lindqvist", "jonas.weber", "aiko.tanaka")
        teller.wait(
            "each of the three to be told",
            lambda: all(self._asked(name) for name in reporters),
        )
        teller.wait("the notice for the release managers", lambda: bool(slack.messages("releases")))

    def _asked(self, name: str) -> "list[Message]":
        """The messages somebody got that ask whether it is fixed for them."""
        got = self.company.estate.slack.messages(self.company.slack_ids[name])
        return [one for one in got if "Yes, it works" in str(one.blocks)]

    def _question(self, words: str) -> "list[Message]":
        """The messages in #support that ask this."""
        return [one for one in self.company.estate.slack.messages("support") if words in str(one.blocks)]

    def _field(self, incident: str, field: str) -> str:
        return self.company.estate.servicenow.row("incident", incident).get(field, "")

    def _all_read(self) -> bool:
        with self.here.store.read() as tx:
            return {cycle.stream for cycle in tx.cursors.cycles(limit=1000)} >= {
                source.stream for source in self.here.sources
            }

    def _mirrored(self, key: str) -> bool:
        with self.here.store.read() as tx:
            return bool(tx.mirror.find(key))

    def _state(self, key: str) -> str:
        with self.here.store.read() as tx:
            return next((record.state for record in tx.mirror.find(key)), "")

    def _journal_says(self, key: str, what: str) -> bool:
        with self.here.store.read() as tx:
            return any(entry.what == what for record in tx.mirror.find(key) for entry in tx.journal_of(record.ref))


def _ending(out: "Console", here: "Installation", ticket: str, writes: int, seconds: float) -> None:
    from loopbot.usecases.inspect import chain, named

    out.print("\nThe loop of one ticket", style="bold")
    print_chain(out, chain(here.loop, named(here.loop, ticket)[0]))
    with here.store.read() as tx:
        stuck = sum(
            count for (_, state), count in tx.outbox.counts().items() if state not in {"settled", "planned", "sending"}
        )
    out.print(f"\n{writes} writes in {seconds:.0f} seconds, each once, each with its reason; {stuck} stuck.")
    out.print("\nOn your own systems:", style="bold")
    for line in (
        "loopbot init",
        "loopbot check        # finds what is wrong before the first write",
        "loopbot plan         # names every write before it happens",
        "loopbot run",
    ):
        out.print(f"  {line}", markup=False)


def _said(entry: "Entry") -> object:
    payload = entry.payload
    names = ("value", "short_description", "summary", "text", "title")
    return next((payload[name] for name in names if payload.get(name)), "")
