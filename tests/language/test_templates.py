from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest

from loopbot.domain.pending import pending_mark, pending_ref
from loopbot.domain.records import RECORD_TYPES, Incident, Ref
from loopbot.domain.rules import Scope
from loopbot.domain.words import KINDS
from loopbot.language.mistakes import Mistake
from loopbot.language.names import Names, Opened, acting_names, names_for
from loopbot.language.templates import PUBLIC, template


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{it.key}: {it.title}", "INC1: Checkout shows an error"),
        ("{ it.key }", "INC1"),
        ("{score} sure", "83 % sure"),
        ("{because}", "same service"),
        ("{count}", "1"),
        ("{it.opened_at}", "22 Nov 2026, 11:05 UTC"),
        ("{it.environment}", "unknown"),
        ("{it.services}", "checkout"),
        ("{it.labels}", "none"),
        ("{it.finished}", "no"),
        ("{it.reporter}", "Ann Lee"),
        ("{{it.key}} {{}}", "{it.key} {}"),
        ("100 % of C:\\n <!channel>", "100 % of C:\\n <!channel>"),
        ("", ""),
    ],
)
def test_a_text_is_filled_with_what_people_would_write(text: str, filled: str, names: Names, scope: Scope) -> None:
    assert template(text, names).fill(scope) == filled


def test_a_text_says_which_points_in_time_it_names_and_where(names: Names, scope: Scope) -> None:
    whole, dated = template("{it.title} on {it.opened_at}; {it.resolved_at}, {it.opened_at}.", names).dated(scope)
    assert whole == template("{it.title} on {it.opened_at}; {it.resolved_at}, {it.opened_at}.", names).fill(scope)
    assert [whole[one.start :][: len(one.words)] for one in dated] == ["22 Nov 2026, 11:05 UTC"] * 2
    assert {one.at for one in dated} == {scope.it.opened_at}


def test_points_in_time_are_said_in_the_zone_of_the_installation(names: Names, scope: Scope) -> None:
    text = template("On {it.opened_at}.", replace(names, zone="Europe/Berlin"))
    whole, dated = text.dated(scope)
    assert whole == text.fill(scope) == "On 22 Nov 2026, 12:05 CET."
    assert [(one.words, one.at) for one in dated] == [("22 Nov 2026, 12:05 CET", scope.it.opened_at)]


def test_others_are_listed_up_to_twenty(names: Names, scope: Scope, incident: Callable[..., Incident]) -> None:
    many = replace(scope, others=tuple(incident(f"INC{number}", title=f"No {number}") for number in range(32)))
    lines = template("{others}", names).fill(many).splitlines()
    assert lines[0] == "• INC0 No 0"
    assert len(lines) == 21
    assert lines[-1] == "and 12 more"
    few = replace(scope, others=many.others[:3])
    assert template("{others.keys}", names).fill(few) == "INC0, INC1 and INC2"
    assert template("{others.reporters}", names).fill(few) == "Ann Lee"
    assert template("{others}", names).fill(scope) == ""


def test_a_ticket_that_is_not_open_yet_is_named_by_its_marker(names: Names, scope: Scope) -> None:
    text = template("See {item.key}.", names.with_opened("item", Opened("jira", "issue")))
    assert text.needs == {"item"}
    key = "0" * 32
    assert text.fill(replace(scope, opened=(("item", pending_ref(key)),))) == f"See {pending_mark(key)}."
    assert text.fill(replace(scope, opened=(("item", Ref("jira", "issue", "LOOP-1")),))) == "See LOOP-1."


@pytest.mark.parametrize(
    "hostile",
    [
        "{it.assignee}",
        "{{it.assignee}}",
        "{it.__class__.__mro__}",
        "%(assignee)s ${assignee} {0} {}",
        "{others} {score}",
        "\\{it.assignee\\}",
    ],
)
def test_what_others_wrote_is_never_read_as_a_text_with_placeholders(
    hostile: str, names: Names, incident: Callable[..., Incident], now: datetime
) -> None:
    scope = Scope(it=incident(title=hostile, text=hostile), now=now)
    assert template("{it.title}|{it.text}", names).fill(scope) == f"{hostile}|{hostile}"


def test_a_forged_marker_of_a_ticket_is_taken_out(
    names: Names, incident: Callable[..., Incident], now: datetime
) -> None:
    forged = pending_mark("a" * 32)
    scope = Scope(it=incident(title=forged), now=now, others=(incident(title=forged),))
    assert template("{it.title} {others}", names).fill(scope) == f"{'a' * 32} • INC1 {'a' * 32}"


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        ("{it.titel}", "an incident has no `titel`", "did you mean `it.title`?"),
        ("{titel}", "`{titel}` is unknown", ""),
        ("{title}", "`title` is unknown", "did you mean `it.title`?"),
        ("{scor}", "`{scor}` is unknown", "did you mean `score`?"),
        ("{it}", "`{it}` is a record, not something to write", "did you mean {it.key}?"),
        ("{it.__class__}", "an incident has no `__class__`", None),
        ("{it.title.__class__}", "`{it.title.__class__}` is not a name", None),
        ("{it.title!r}", "`{it.title!r}` is not a name", None),
        ("{it.title:>9}", "`{it.title:>9}` is not a name", None),
        ("{it.people}", "an incident has no `people`", None),
        ("{}", "`{}` is not a name", None),
        ("a { b", "a `{` stands alone in the text", "write `{{` for the character itself"),
        ("a } b", "a `}` stands alone in the text", "write `}}` for the character itself"),
        ("{others.titles}", "`{others.titles}` is unknown", None),
    ],
)
def test_a_placeholder_is_checked_when_the_rule_is_loaded(text: str, why: str, hint: str | None, names: Names) -> None:
    with pytest.raises(Mistake) as caught:
        template(text, names)
    assert caught.value.why == why
    if hint:
        assert caught.value.hint == hint


def test_others_mean_nothing_without_a_repeat_or_a_match_of_all(scope: Scope) -> None:
    with pytest.raises(Mistake, match="means nothing here"):
        template("{others}", Names(acting_names(names_for(["incident"]), ranked=False)))


@pytest.mark.parametrize(
    "text",
    [
        "{it.assignee}",
        "{it.group}",
        "{it.state}",
        "{it.close_code}",
        "{it.labels}",
        "{it.extra}",
        "{before.group}",
        "{other.text}",
        "{other.state}",
        "{other.assignee}",
        "{because}",
        "{score}",
        "{others.reporters}",
    ],
)
def test_a_text_for_customers_refuses_what_can_hold_internal_matter(text: str, names: Names) -> None:
    with pytest.raises(Mistake):
        template(text, names, public=True)


def test_a_text_for_customers_says_why_it_refuses_and_what_it_takes(names: Names) -> None:
    with pytest.raises(Mistake) as caught:
        template("{other.text}", names, public=True)
    assert caught.value.why == "`{other.text}` of a change can hold internal matter, and a customer reads this text"
    assert caught.value.hint == "a customer may read other.key, other.title"


def test_a_text_for_customers_takes_their_own_words(names: Names, scope: Scope, now: datetime) -> None:
    text = template("{it.title} {it.key} {it.opened_at} {other.key} {other.title} {others}", names, public=True)
    assert text.fill(scope).startswith("Checkout shows an error INC1")
    assert now - scope.it.occurred_at == timedelta(hours=3)


def test_what_customers_may_read_exists_and_is_said_for_every_kind() -> None:
    assert set(PUBLIC) == set(KINDS)
    for kind, allowed in PUBLIC.items():
        record = RECORD_TYPES[kind]
        known = {each.name for each in fields(record)} | {"key", "occurred_at"}
        assert allowed <= known
        assert not allowed & {"people", "links", "extra", "labels", "group"}
