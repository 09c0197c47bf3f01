"""What speaks for and against a change having caused an incident, as numbers: the same for live use, training and measuring.

Numbers that compare candidates (words, files) are relative to the best candidate of the pool, but never to less than a
share of what a perfect match would reach: the only candidate is not a good one for being alone.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from loopbot.domain.holdings import FILES
from loopbot.domain.records import Change, Deployment, Record
from loopbot.domain.wordings import Wording
from loopbot.domain.words import RISKY
from loopbot.judgement.cause_history import Failures, failed, failures
from loopbot.judgement.cause_mentions import Mention, versions
from loopbot.judgement.nearness import rarity
from loopbot.judgement.wording import as_written, widest, wording

FEATURES = (
    "words",  # of ticket and change in common, weighed by rarity, against the best candidate
    "words_share",  # the same as a share of all that the ticket says
    "title_words",  # of the ticket's title alone
    "subject_words",  # with the change's title alone
    "rarest",  # how rare the rarest common word is
    "shared",  # how many words are in common
    "delivered",  # how alike an issue is that it delivers
    "files",  # of the change that the ticket (or its stack trace) names
    "service_words",  # words of the ticket's services and components in the change
    "version",  # it names a version that the ticket names
    "days_1",  # how recent, on four scales
    "days_10",
    "days_90",
    "days_365",
    "age",
    "rank",  # how many changes came after it
    "same_service",
    "related_service",
    "same_group",
    "size",  # files touched
    "is_fix",
    "only_tests",
    "only_docs",
    "went_wrong",  # itself; else the share of those before it, of its group or service, that did
    "risky",
    "accused",  # by tickets that are alike
    "after_release",  # it came after the release that the ticket is about
)
Vector = tuple[float, ...]

_DAY = 86_400.0
_FLOOR = 0.15
_CONFIRMED = 4
"""That it caused a ticket that is alike, as somebody says, counts as so many that only name it."""
_PATH = re.compile(r"(?<![\w/.-])(?:[\w.@+-]{1,80}/){1,20}[\w.@+-]{1,120}\.[A-Za-z]{1,10}(?![\w/])")
_NAMED_FILE = re.compile(r"\b(?:[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+|[A-Za-z][\w-]{2,60}(?=\.[a-z]{1,4}\b))")
_FIX = re.compile(
    r"\b(?:fix\w*|bug\w*|npe|fail\w*|exception\w*|incorrect\w*|wrong\w*|race|leak\w*|broken|errors?|hotfix)\b",
    re.IGNORECASE,
)
_DOC_ENDINGS = (".txt", ".xml", ".html", ".md", ".rst", ".adoc", ".apt", ".vm")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change or deployment that may be the cause, with what is known of it beside its own record.

    `stated`: a person or a system says that it is the cause. `brought`: the commit, pull request or version by which it is
    named. `accusers` is how many tickets that are alike name it, `caused` which of them it caused, as people or systems say.
    """

    record: Record
    wording: Wording
    named: Mention | None = None
    named_through: Record | None = None
    delivers: Record | None = None
    accusers: int = 0
    caused: tuple[str, ...] = ()
    brought: str = ""
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket, as far as judging looks at it: what it says, and how rare each of its terms is here."""

    record: Record
    asked: Wording
    docs: Mapping[str, int]
    total: int
    related: frozenset[str] = frozenset()
    released: datetime | None = None
    files: frozenset[str] = field(default=frozenset())
    versions: frozenset[str] = frozenset()

    def rarity_of(self, term: str) -> float:
        """How much the term tells."""
        return rarity(self.docs.get(term, 0), max(self.total, 1))


def case_of(record: Record, asked: Wording, docs: Mapping[str, int], total: int, **known: object) -> Case:
    """The ticket as a case; what it names is read from its words."""
    said = f"{record.title}\n{record.text[:20_000]}"
    names = {name.lower().removeprefix("test") for name in _NAMED_FILE.findall(said)}
    return Case(record, asked, docs, total, files=frozenset(names - {""}), versions=versions(said), **known)  # type: ignore[arg-type]


def ended(change: Record) -> datetime:
    """When a change was through: by then it could do harm at the latest."""
    if isinstance(change, Change | Deployment) and change.finished_at:
        return change.finished_at
    return change.occurred_at


def files_of(change: Record) -> list[str]:
    """The paths of the files that it touches, from its text or from what its system says."""
    stated = change.extra.get(FILES, "")
    return [*_PATH.findall(change.text[:40_000]), *stated[:40_000].splitlines()]


@dataclass(frozen=True)
class Pool:
    """A case and its candidates: what each says in common with the ticket, worked out once."""

    case: Case
    candidates: Sequence[Candidate]

    @cached_property
    def weights(self) -> dict[str, float]:
        """What each of the ticket's terms counts: its rarity, more in the title and where it stands more often."""
        counted = Counter(self.case.asked.body)
        counted.update(self.case.asked.title)
        counted.update(self.case.asked.title)
        return {term: min(times, 3) ** 0.5 * self.case.rarity_of(term) for term, times in counted.items()}

    @cached_property
    def titled(self) -> dict[str, float]:
        """The same of its title alone."""
        return {term: self.case.rarity_of(term) for term in set(self.case.asked.title)}

    @cached_property
    def written(self) -> dict[str, str]:
        """The ticket's terms as it writes them."""
        return as_written(f"{self.case.record.title}\n{self.case.record.text[:4000]}")

    @cached_property
    def services(self) -> dict[str, float]:
        """The words of its services."""
        terms = {term for name in self.case.record.services for term in wording(name).title}
        return dict.fromkeys(terms, 1.0)

    @cached_property
    def said(self) -> list[tuple[Counter[str], frozenset[str]]]:
        """What each candidate says: all its terms, and those of its title."""
        return [
            (Counter((*one.wording.title, *one.wording.body)), frozenset(one.wording.title)) for one in self.candidates
        ]

    @cached_property
    def named_files(self) -> list[tuple[str, ...]]:
        """The files of each candidate that the ticket names."""
        return [_named_files(self.case, one.record) for one in self.candidates]

    @cached_property
    def failures(self) -> list[Failures | None]:
        """What went wrong before each candidate, with its group or else its services; None where that tells nothing."""
        return failures([one.record for one in self.candidates])

    @cached_property
    def vectors(self) -> list[Vector]:
        """Each candidate in numbers, in the order of FEATURES."""
        if not self.candidates:
            return []
        lengths = [sum(said.values()) for said, _ in self.said]
        typical = sum(lengths) / len(lengths) or 1.0
        whole, head = self.weights, self.titled
        norms = [1.2 * (0.5 + 0.5 * length / typical) for length in lengths]
        pairs = list(zip(self.said, norms, strict=True))
        words = [_overlap(whole, said, norm) for (said, _), norm in pairs]
        titles = [_overlap(head, said, norm) for (said, _), norm in pairs]
        subjects = [sum(whole[term] for term in title if term in whole) for _, title in self.said]
        services = [_overlap(self.services, said, norm) for (said, _), norm in pairs]
        delivered = [self._alike(one.delivers) for one in self.candidates]
        paths = [files_of(one.record) for one in self.candidates]
        named = [
            sum(self.case.rarity_of(name) for name in names) / math.sqrt(max(min(len(touched), 60), 1))
            for names, touched in zip(self.named_files, paths, strict=True)
        ]
        self_score = sum(whole.values()) or 1.0
        columns = (
            _relative(words, self_score),
            [each / self_score for each in words],
            _relative(titles, sum(head.values())),
            _relative(subjects, self_score),
            [
                max((self.case.rarity_of(term) for term in said if term in whole), default=0.0) / 10
                for said, _ in self.said
            ],
            [math.log1p(sum(term in whole for term in said)) for said, _ in self.said],
            delivered,
            _relative(named, 5.0),
            _relative(services, 1.0),
        )
        ranks = self._ranks()
        return [
            (*(column[place] for column in columns), *self._facts(place, paths[place], ranks[place]))
            for place, one in enumerate(self.candidates)
        ]

    def _alike(self, issue: Record | None) -> float:
        """How much of what the ticket says an issue says too."""
        if issue is None:
            return 0.0
        said = wording(issue.title, issue.text).terms
        return sum(weight for term, weight in self.weights.items() if term in said) / (
            sum(self.weights.values()) or 1.0
        )

    def _ranks(self) -> list[int]:
        """How many candidates of the same services came later."""
        order = sorted(
            range(len(self.candidates)), key=lambda place: self.candidates[place].record.occurred_at, reverse=True
        )
        ranks, later = [0] * len(order), 0
        for place in order:
            ranks[place] = later
            later += bool(self.candidates[place].record.services & self.case.record.services)
        return ranks

    def _facts(self, place: int, paths: Sequence[str], rank: int) -> tuple[float, ...]:
        """What is known of a candidate beside its words."""
        one, before = self.candidates[place], self.failures[place]
        change, it = one.record, self.case.record
        age = max((it.occurred_at - ended(change)).total_seconds() / _DAY, 0.0)
        said = f"{change.title}\n{change.text[:4000]}" if self.case.versions else ""
        group = getattr(change, "group", None)
        released = self.case.released
        return (
            float(bool(self.case.versions & versions(said))) if said else 0.0,
            math.exp(-age),
            math.exp(-age / 10),
            math.exp(-age / 90),
            math.exp(-age / 365),
            math.log(age + 0.1),
            math.log1p(rank),
            float(bool(change.services & it.services)),
            float(bool(change.services & self.case.related)),
            float(group is not None and group == getattr(it, "group", None)),
            math.log(max(len(paths), 1)),
            float(bool(_FIX.search(change.title))),
            float(bool(paths) and all("test" in path.lower() for path in paths)),
            float(bool(paths) and all(path.lower().endswith(_DOC_ENDINGS) for path in paths)),
            1.0 if failed(change) else before.share if before else 0.0,
            float(getattr(change, "risk", None) in RISKY),
            math.log1p(one.accusers + (_CONFIRMED - 1) * len(one.caused)),
            float(released is not None and change.occurred_at > released),
        )


def common_words(pool: Pool, place: int, most: int = 3) -> list[str]:
    """The most telling words that ticket and candidate have in common, as the ticket writes them."""
    said, _ = pool.said[place]
    shared = sorted((term for term in pool.weights if term in said), key=lambda term: (-pool.weights[term], term))
    return widest((pool.written[term] for term in shared if term in pool.written), most)


def _named_files(case: Case, change: Record) -> tuple[str, ...]:
    if not case.files:
        return ()
    found = {}
    for path in files_of(change):
        name = path.rpartition("/")[2]
        bare = name.rpartition(".")[0].lower().removeprefix("test")
        if bare in case.files:
            found[bare] = name
    return tuple(found.values())


def _overlap(weights: Mapping[str, float], said: Counter[str], norm: float) -> float:
    """BM25 of the weighed terms."""
    if len(said) < len(weights):
        return sum(weights[term] * 2.2 * times / (times + norm) for term, times in said.items() if term in weights)
    return sum(weight * 2.2 * said[term] / (said[term] + norm) for term, weight in weights.items() if term in said)


def _relative(values: Sequence[float], perfect: float) -> list[float]:
    best = max(*values, _FLOOR * perfect, 1e-9)
    return [each / best for each in values]
