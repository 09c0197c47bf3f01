"""What a new ticket costs against a mirror of 100,000 others and 30,000 changes, all judgements together, in processor time.

The texts are made: each service has words of its own beside those of the whole desk, and both are used as words are used
(the n-th most frequent 1/n as often), so that a search meets rare words and common ones as it does on real tickets. The words of
services and a fourth of the others are made up; the rest are words that the sentence model knows, where it is installed: so it
cuts a text into about as many pieces as issues that developers wrote (250 characters into 67 pieces; 70 in those).
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path

from benchmarks.figures import Figure
from loopbot.domain.ranking import Judgement
from loopbot.domain.records import Article, Change, Feedback, Incident, Issue, Link, Record, Ref
from loopbot.domain.rules import Match, Repeat
from loopbot.domain.views import View
from loopbot.domain.wordings import Sought
from loopbot.judgement.recurrence import CANDIDATES
from loopbot.judgement.shipped import shipped_judgement, shipped_topics
from loopbot.judgement.topic_learning import Example
from loopbot.judgement.topic_meaning import meant
from loopbot.judgement.topic_model import read
from loopbot.judgement.topic_training import Label, Training
from loopbot.meaning.finding import installed
from loopbot.ports import Encoder, Store
from loopbot.store import open_store
from loopbot.wiring import installed_encoder

COUNT = int(os.environ.get("TICKETS", "100000"))
CHANGES, ITEMS, ARTICLES, ASKED = COUNT * 3 // 10, COUNT // 20, COUNT // 50, 60
SERVICES, WORDS, OWN = 200, 20_000, 400
LABELS = 300
GOAL = 150.0
SUSPECTS = Match(kind="change", rank="suspect", within=timedelta(days=730))
REPEATS = Repeat(at_least=3, within=timedelta(days=90), same_service=False, alike=0.15)
ITEMS_LIKE_IT = Match(kind="issue", rank="similar", within=timedelta(days=3650))
NEAR_ITEMS = Sought(kinds=frozenset({"issue"}), limit=CANDIDATES)
NOW = datetime(2030, 1, 1, tzinfo=UTC)
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "is", "ol", "um")]


def known_words() -> list[str]:
    """The words that the sentence model knows, in no order; none where it is not installed."""
    model = installed()
    if model is None:
        return []
    pieces = (model.folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    whole = [piece for piece in pieces if piece.isascii() and piece.isalpha() and len(piece) > 2]
    random.Random(7).shuffle(whole)
    return whole[: WORDS * 3 // 4]


class Desk:
    """Writes texts as a desk of many services does."""

    def __init__(self) -> None:
        self.chance = random.Random(11)
        known = known_words()
        self._words = [*known, *self._made(WORDS - len(known))]
        self.chance.shuffle(self._words)
        self._weights = list(accumulate(1 / place for place in range(1, WORDS + 1)))
        self._own = [self._made(OWN) for _ in range(SERVICES)]
        self._own_weights = list(accumulate(1 / place for place in range(1, OWN + 1)))

    def _made(self, count: int) -> list[str]:
        return ["".join(self.chance.choices(SYLLABLES, k=self.chance.choice((2, 3, 3, 4)))) for _ in range(count)]

    def said(self, service: int, words: int) -> str:
        """So many words, a third of them of the service."""
        own = self.chance.choices(self._own[service], cum_weights=self._own_weights, k=words // 3)
        common = self.chance.choices(self._words, cum_weights=self._weights, k=words - words // 3)
        every = own + common
        self.chance.shuffle(every)
        return " ".join(every)

    def told(self, service: int, words: int) -> str:
        """The same in sentences of about fifteen."""
        every = self.said(service, words).split()
        ends = range(0, len(every), 15)
        return " ".join(f"{' '.join(every[start : start + 15]).capitalize()}." for start in ends)

    def files(self, service: int) -> str:
        """A few paths."""
        names = self.chance.choices(self._own[service], k=self.chance.randrange(1, 12))
        return "\n".join(f"src/main/{name}/{name.title()}Store.java" for name in names)


def records(desk: Desk) -> Iterator[Record]:
    """Two years of changes, items and tickets; every fifth of the latest tickets names a change."""
    for number in range(CHANGES):
        service = number % SERVICES
        at = NOW - timedelta(minutes=(CHANGES - number) * 1_051_200 / CHANGES)
        ref = Ref("servicenow", "change", f"CHG{number:07}")
        links = (Link(ref, "delivers", Ref("jira", "issue", f"LOOP-{number}")),) if number < ITEMS else ()
        yield Change(ref=ref, ident=f"c{number}", title=desk.said(service, 7), text=desk.files(service), state="closed", updated_at=at, opened_at=at, started_at=at, finished_at=at, services=frozenset({f"Service {service}"}), links=links)  # fmt: skip
    for number in range(ITEMS):
        at = NOW - timedelta(minutes=(ITEMS - number) * 1_051_200 / ITEMS)
        yield Issue(ref=Ref("jira", "issue", f"LOOP-{number}"), ident=f"i{number}", title=desk.said(number % SERVICES, 8), text=desk.told(number % SERVICES, 50), state="todo", updated_at=at, opened_at=at, services=frozenset({f"Service {number % SERVICES}"}))  # fmt: skip
    for number in range(ARTICLES):
        at = NOW - timedelta(minutes=(ARTICLES - number) * 1_051_200 / ARTICLES)
        text = "\n".join(desk.said(number % SERVICES, 30) for _ in range(15))
        yield Article(ref=Ref("servicenow", "article", f"KB{number:07}"), ident=f"a{number}", title=desk.said(number % SERVICES, 6), text=text, state="published", updated_at=at, number=f"KB{number:07}")  # fmt: skip
    for number in range(COUNT):
        service = desk.chance.randrange(SERVICES)
        at = NOW - timedelta(minutes=(COUNT - number) * 1_051_200 / COUNT)
        named = f" It began after CHG{desk.chance.randrange(CHANGES):07}." if number % 5 == 0 else ""
        yield Incident(ref=Ref("servicenow", "incident", f"INC{number:07}"), ident=f"t{number}", title=desk.said(service, 8), text=desk.told(service, desk.chance.randrange(20, 160)) + named, state="new", updated_at=at, opened_at=at, services=frozenset({f"Service {service}"}), priority=number % 5 + 1)  # fmt: skip


def fill(store: Store) -> None:
    """Everything into the store, a thousand at a time."""
    some: list[Record] = []

    def put() -> None:
        with store.write() as tx:
            tx.mirror.put(some)
            tx.links.state([one for one in some if one.links])
        some.clear()

    for record in records(Desk()):
        some.append(record)
        if len(some) == 1_000:
            put()
    put()


def latest(view: View) -> Sequence[Record]:
    """The tickets that came last: they are the new ones."""
    return view.between("incident", NOW - timedelta(days=30), NOW, limit=ASKED)


def asked(judgement: Judgement, it: Record, view: View) -> dict[str, float]:
    """All judgements about one ticket; how long each took a processor, in milliseconds."""
    told = Feedback(ref=Ref("portal", "feedback", it.key), ident=it.ident, title=it.title, text=it.text, state="new", updated_at=it.updated_at, services=it.services)  # fmt: skip
    parts: Mapping[str, Callable[[], object]] = {
        "suspects": lambda: list(judgement.suspect.rank(it, view, SUSPECTS)),
        "recurrence": lambda: list(judgement.repeats.alike(it, view, REPEATS)),
        "topic": partial(judgement.topics.guess, told),
        "item": lambda: list(judgement.similar.rank(it, view, ITEMS_LIKE_IT)),
        "priority": partial(judgement.weigher.weigh, it, view),
        "known answer": partial(judgement.helper.known, it, view),
    }
    took = {}
    for name, part in parts.items():
        began = time.process_time()
        part()
        took[name] = (time.process_time() - began) * 1000
    return took


def measure() -> list[Figure]:
    """All together (median and 95th percentile), and each by itself."""
    with tempfile.TemporaryDirectory(prefix="loopbot-bench-") as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'loop.db'}")
        fill(store)
        figures = told("A new ticket, all judgements", timed(store, shipped_judgement()))
        encoder = installed_encoder()
        if encoder is not None:
            read_before(store, encoder)
            figures += told("The same with the sentence model", timed(store, with_meaning(encoder)))
        store.close()
    return figures


def told(what: str, rows: Sequence[Mapping[str, float]]) -> list[Figure]:
    """What tickets took in all, and each judgement's part."""
    # An answer is looked for where a rule tells it, and is not among what each ticket is asked.
    whole = [sum(took for name, took in row.items() if name != "known answer") for row in rows]
    note = f"processor time; {COUNT:,} tickets, {CHANGES:,} changes, {ITEMS:,} items, {ARTICLES:,} articles; {len(rows)} new tickets"
    figures = [
        Figure(what, statistics.median(whole), "ms", most=GOAL, note=note),
        Figure("… 95 of 100 take less", statistics.quantiles(whole, n=20)[18], "ms"),
    ]
    return figures + [
        Figure(f"… of it: {name}", statistics.median(row[name] for row in rows), "ms") for name in rows[0]
    ]


def read_before(store: Store, encoder: Encoder) -> None:
    """A daemon knows what its items mean: each was read when the first ticket was held against it."""
    with store.read() as tx:
        held = {one.record.title for it in latest(tx) for one in tx.neighbours(it, NEAR_ITEMS).found}
    with store.write() as tx:
        tx.meant(sorted(held), encoder.version, encoder.encode)


def with_meaning(encoder: Encoder) -> Judgement:
    """The judgements with the sentence model: kinds of feedback as learnt with it from some labels of this desk."""
    desk = Desk()
    texts = [read(desk.said(number % SERVICES, 8), desk.told(number % SERVICES, 90)) for number in range(LABELS)]
    labels = [
        Label(Example(text, ("bug", "feature", "question")[number % 3]), f"Service {number % SERVICES}")
        for number, text in enumerate(meant(texts, encoder))
    ]
    shipped = shipped_topics(encoder=encoder)
    stack = Training(shipped.stack.base, shipped.stack.base_temperature).stack(labels, "1")
    topics = replace(shipped, stack=replace(stack, encoder=encoder.version))
    return replace(shipped_judgement(encoder=encoder), topics=topics)


def timed(store: Store, judgement: Judgement) -> list[dict[str, float]]:
    """Each new ticket in a transaction of its own; the first few warm the caches that a daemon has warm."""
    with store.read() as tx:
        tickets = latest(tx)
    rows = []
    for it in tickets:
        with store.read() as tx:
            rows.append(asked(judgement, it, tx))
    return rows[5:]
