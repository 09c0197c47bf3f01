"""What a deployment states of the commits it brought and those it took back: links to issues, and what is kept beside them. Pure."""

from collections.abc import Mapping
from datetime import UTC
from typing import Protocol

from loopbot.ci.commits import Delivered, Naming, Span, brought, spoken, subjects
from loopbot.ci.mentions import Balance, Keys, Mention, balance, of_commit
from loopbot.domain.dora import FIRST_COMMIT
from loopbot.domain.records import Link, Ref
from loopbot.domain.words import Relation


class Tracker(Protocol):
    """Where the issues are that commits speak of, and how."""

    @property
    def issues_in(self) -> str:
        """The configured system that holds the issues; "" where none are looked for."""

    @property
    def issue_keys(self) -> tuple[str, ...]:
        """The project keys to recognise."""

    @property
    def issue_url(self) -> str:
        """What addresses begin with in which a key counts."""


class Statements:
    """Turns spans of commits into what a record says of them."""

    def __init__(self, tracker: Tracker) -> None:
        self._issues_in = tracker.issues_in
        self.keys = Keys(tracker.issue_keys, tracker.issue_url)

    def by_messages(self, deployment: Ref, forth: Span, back: Span, naming: Naming, since: str) -> Delivered:
        """What the messages of the commits alone say; `since` names what was there before ("": not known)."""
        told = turned(self._said(forth, naming), self._said(back, naming))
        made = self.stated(deployment, told, (forth, back), since)
        return described(made, forth, back, naming)

    def stated(self, deployment: Ref, told: Balance, spans: tuple[Span, ...], since: str) -> Delivered:
        """The links, and of which range they are."""
        links = [self._link(deployment, "delivers", one) for one in told.brings.values()]
        links += [self._link(deployment, "withdraws", one) for one in told.takes.values()]
        commits = [one for span in spans for one in span.commits]
        extra = {"range": f"{len(commits)} commits since {since}"} if since else {}
        made = [one.made_at for one in commits if one.made_at is not None]
        if since and made:
            extra[FIRST_COMMIT] = min(made).astimezone(UTC).isoformat()
        left_out = list(dict.fromkeys(remark for span in spans for remark in span.left_out))
        if left_out:
            extra["left_out"] = "; ".join(left_out)
        return Delivered(tuple(links), extra)

    def _said(self, span: Span, naming: Naming) -> Balance:
        told = ((commit.sha, spoken(commit.message, naming)) for commit in span.commits)
        return balance(one for sha, message in told for one in of_commit(self.keys, sha, message))

    def _link(self, deployment: Ref, relation: Relation, one: Mention) -> Link:
        target = Ref(self._issues_in, "issue", one.key)
        because = f"named in the {one.where}" + (", which reverts it" if one.taken_back else "")
        return Link(deployment, relation, target, one.confidence, because, f"system:{deployment.system}")


def turned(forth: Balance, gone: Balance) -> Balance:
    """What a range brings and takes where another one went back: what that had brought is taken, what it had taken is back."""
    brings: Mapping[str, Mention] = {key: one for key, one in gone.takes.items() if key not in forth.takes}
    takes: Mapping[str, Mention] = {key: one for key, one in gone.brings.items() if key not in forth.brings}
    return Balance({**brings, **forth.brings}, {**takes, **forth.takes})


def described(told: Delivered, forth: Span, back: Span, naming: Naming) -> Delivered:
    """With what its commits say and touch."""
    return Delivered(told.links, {**told.extra, **brought(forth, back, naming)}, subjects(forth, back, naming))
