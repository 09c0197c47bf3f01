from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from loopbot.domain.effects import Comment, LinkTickets, OpenTicket, Post, SetFields, Tell, Transition
from loopbot.domain.pending import pending_ref
from loopbot.domain.records import Change, Incident, Involved, Issue, Link, Person, Problem, Record, Ref
from loopbot.domain.rules import Bench, Rule, Scope, Wanted
from loopbot.language.scene import Scene

INC = Ref("servicenow", "incident", "INC1")
HEAD = 'about = "x"\non = "incident"\n'
MATCH = '[match]\nkind = "change"\n'
REPEAT = '[repeat]\nat_least = 2\nwithin = "1d"\n'
OPEN = '[[then]]\ndo = "open"\nsystem = "jira"\nkind = "issue"\nplace = "LOOP"\ntitle = "{it.title}"\nas = "item"\n'

Wants = Callable[..., list[Wanted]]


@pytest.fixture
def wants(rule: Callable[[str], Rule], scope: Scope, now: datetime) -> Wants:
    """What each action of a rule asks for, later ones knowing what earlier ones opened."""

    def made(
        text: str, at: Scope = scope, records: tuple[Record, ...] = (), links: tuple[Link, ...] = ()
    ) -> list[Wanted]:
        scene = Scene(now, {record.ref: record for record in records}, links)
        bench = Bench(rule="a-rule", subject=at.it.ref, once="", because="so it seems", view=scene)
        found = []
        for action in rule(text).then:
            found.append(action.want(at, bench))
            at = replace(at, opened=(*at.opened, *found[-1].opened))
        return found

    return made


def test_a_link_goes_into_the_graph_and_into_the_system_of_it(wants: Wants) -> None:
    (wanted,) = wants(HEAD + MATCH + '[[then]]\ndo = "link"\nrelation = "caused_by"')
    change = Ref("servicenow", "change", "CHG1")
    assert wanted.links == (Link(INC, "caused_by", change, 0.834, "same service", "rule:a-rule"),)
    (effect,) = wanted.effects
    assert isinstance(effect, LinkTickets)
    assert (effect.system, effect.source, effect.target, effect.title) == (
        "servicenow",
        INC,
        change,
        "Upgrade checkout",
    )
    assert effect.cause.slot == f"link-1|{INC}>{change}"


def test_a_link_with_no_systems_stays_in_loopbot(wants: Wants) -> None:
    (wanted,) = wants(HEAD + MATCH + '[[then]]\ndo = "link"\nrelation = "caused_by"\nin = []')
    assert wanted.effects == ()
    assert len(wanted.links) == 1


def test_a_link_that_is_there_already_is_not_asked_for_again(wants: Wants) -> None:
    there = Link(INC, "caused_by", Ref("servicenow", "change", "CHG1"))
    (wanted,) = wants(HEAD + MATCH + '[[then]]\ndo = "link"\nrelation = "caused_by"', links=(there,))
    assert wanted == Wanted()


def test_a_link_to_several_is_one_for_each(wants: Wants, scope: Scope, incident: Callable[..., Incident]) -> None:
    at = replace(scope, others=(incident("INC2"), incident("INC3")), other=None, score=None)
    text = (
        HEAD
        + REPEAT
        + OPEN
        + '[[then]]\ndo = "link"\nrelation = "fixes"\nfrom = "item"\nto = ["it", "others"]\nin = ["jira"]'
    )
    opened, linked = wants(text, at)
    (ticket,) = opened.effects
    assert [link.target.key for link in linked.links] == ["INC1", "INC2", "INC3"]
    assert {link.source for link in linked.links} == {pending_ref(ticket.key)}
    assert {link.confidence for link in linked.links} == {1.0}
    assert len({effect.key for effect in linked.effects}) == 3
    assert all(effect.needs == {ticket.key} for effect in linked.effects)


def test_a_ticket_is_opened_with_everything_it_was_given(wants: Wants) -> None:
    text = HEAD + (
        '[[then]]\ndo = "open"\nsystem = "jira"\nkind = "issue"\nplace = "LOOP"\ntype = "Bug"\ntitle = "About {it.title}"\n'
        'text = "{it.key}"\npriority = "it.priority + 1"\nlabels = ["ops"]\nreporter = true\nfields = { team = "{it.services}" }\n'
    )
    (wanted,) = wants(text)
    (effect,) = wanted.effects
    assert isinstance(effect, OpenTicket)
    assert (effect.title, effect.text, effect.priority, effect.labels) == (
        "About Checkout shows an error",
        "INC1",
        3,
        ("ops",),
    )
    assert effect.fields == (("team", "checkout"),)
    assert effect.reporter is not None
    assert effect.reporter.email == "ann@example.com"
    assert wanted.opened == ()


def test_a_title_is_one_line_whatever_was_written(
    wants: Wants, scope: Scope, incident: Callable[..., Incident]
) -> None:
    (wanted,) = wants(HEAD + OPEN, replace(scope, it=incident(title="one\n\ntwo\t three")))
    (effect,) = wanted.effects
    assert isinstance(effect, OpenTicket)
    assert effect.title == "one two three"


@pytest.mark.parametrize("state", ["todo", "in_review"])
def test_an_open_ticket_is_joined_and_none_opened(wants: Wants, state: str, now: datetime) -> None:
    issue = Issue(ref=Ref("jira", "issue", "LOOP-1"), ident="1", title="x", state=state, updated_at=now)
    link = Link(issue.ref, "fixes", INC)
    (wanted,) = wants(HEAD + OPEN + 'join = "fixes"', records=(issue,), links=(link,))
    assert wanted == Wanted(opened=(("item", issue.ref),))


def test_a_ticket_that_is_on_its_way_is_joined(wants: Wants) -> None:
    pending = pending_ref("f" * 32)
    text = HEAD + OPEN + 'join = "fixes"\n[[then]]\ndo = "comment"\non = "item"\ninternal = true\ntext = "{item.key}"'
    joined, comment = wants(text, links=(Link(pending, "fixes", INC),))
    assert joined == Wanted(opened=(("item", pending),))
    (effect,) = comment.effects
    assert effect.needs == {"f" * 32}
    assert effect.system == "jira"


def test_a_ticket_that_is_opened_but_not_read_back_yet_is_joined(wants: Wants) -> None:
    there = Ref("jira", "issue", "LOOP-9")
    (wanted,) = wants(HEAD + OPEN + 'join = "fixes"', links=(Link(there, "fixes", INC),))
    assert wanted.opened == (("item", there),)


def test_a_finished_ticket_or_one_of_another_kind_is_not_joined(wants: Wants, now: datetime) -> None:
    done = Issue(ref=Ref("jira", "issue", "LOOP-1"), ident="1", title="x", state="done", updated_at=now)
    problem = Problem(ref=Ref("servicenow", "problem", "PRB1"), ident="1", title="x", state="new", updated_at=now)
    links = (Link(done.ref, "fixes", INC), Link(problem.ref, "fixes", INC))
    (wanted,) = wants(HEAD + OPEN + 'join = "fixes"', records=(done, problem), links=links)
    assert len(wanted.effects) == 1


def test_comments_go_to_each_ticket_and_say_who_may_read_them(wants: Wants) -> None:
    text = HEAD + MATCH + '[[then]]\ndo = "comment"\non = ["it", "other"]\ninternal = false\ntext = "Hello {it.key}"'
    (wanted,) = wants(text)
    assert [(e.target.key, e.text, e.audience) for e in wanted.effects if isinstance(e, Comment)] == [
        ("INC1", "Hello INC1", "public"),
        ("CHG1", "Hello INC1", "public"),
    ]


def test_a_transition_leaves_alone_what_is_there_already(
    wants: Wants, scope: Scope, incident: Callable[..., Incident]
) -> None:
    text = HEAD + '[[then]]\ndo = "transition"\nto = "resolved"'
    (wanted,) = wants(text)
    assert [e.to for e in wanted.effects if isinstance(e, Transition)] == ["resolved"]
    assert wants(text, replace(scope, it=incident(state="resolved"))) == [Wanted()]


def test_fields_are_set_by_their_own_names(wants: Wants) -> None:
    (wanted,) = wants(HEAD + '[[then]]\ndo = "set"\nfields = { u_seen = "{it.key}" }')
    (effect,) = wanted.effects
    assert isinstance(effect, SetFields)
    assert effect.fields == (("u_seen", "INC1"),)
    assert not effect.keep_current


def test_fields_that_are_kept_current_know_the_weight_they_rest_on(wants: Wants, scope: Scope) -> None:
    text = HEAD + '[[then]]\ndo = "set"\nkeep_current = true\nfields = { u_weight = "{weight}" }'
    (wanted,) = wants(text, replace(scope, weight=42.5))
    (effect,) = wanted.effects
    assert isinstance(effect, SetFields)
    assert (effect.fields, effect.keep_current, effect.weight) == ((("u_weight", "42.5"),), True, 42.5)


def test_a_post_names_its_channel_without_the_sign(wants: Wants) -> None:
    (wanted,) = wants(HEAD + '[[then]]\ndo = "post"\nchannel = "#ops"\ntext = "{it.title}"')
    (effect,) = wanted.effects
    assert isinstance(effect, Post)
    assert (effect.system, effect.channel, effect.keep_current) == ("slack", "ops", False)


def test_each_person_is_told_once_however_often_they_reported(
    wants: Wants, scope: Scope, incident: Callable[..., Incident]
) -> None:
    ann_again = (Involved("reporter", Person("jira", "a-17", "Ann L.", "Ann@Example.com")),)
    bob = (Involved("reporter", Person("servicenow", "u9", "Bob")),)
    at = replace(
        scope, others=(incident("INC2", people=ann_again), incident("INC3", people=bob), incident("INC4", people=()))
    )
    text = HEAD + REPEAT + '[[then]]\ndo = "tell"\nof = ["it", "others"]\ntext = "Hi"\nquestion = "fixed"'
    (wanted,) = wants(text, at)
    told = [effect for effect in wanted.effects if isinstance(effect, Tell)]
    assert [effect.person.name for effect in told] == ["Ann Lee", "Bob"]
    assert [effect.cause.slot for effect in told] == ["tell-1|ann@example.com", "tell-1|servicenow:u9"]
    assert told[0].buttons == (("yes", "Yes, it works"), ("no", "Still broken"))
    assert told[0].about == INC


def test_nobody_is_told_where_nobody_is_known(wants: Wants, scope: Scope, incident: Callable[..., Incident]) -> None:
    assert wants(HEAD + '[[then]]\ndo = "tell"\ntext = "Hi"', replace(scope, it=incident(people=()))) == [Wanted()]


def test_an_action_waits_for_its_if(wants: Wants) -> None:
    text = HEAD + '[[then]]\ndo = "post"\nchannel = "a"\ntext = "x"\nif = "it.priority == {}"'
    assert wants(text.replace("{}", "1")) == [Wanted()]
    assert len(wants(text.replace("{}", "2"))[0].effects) == 1


def test_an_action_that_names_a_ticket_which_was_not_opened_asks_for_nothing(wants: Wants) -> None:
    text = HEAD + OPEN + 'if = "it.priority == 1"\n[[then]]\ndo = "comment"\ninternal = true\ntext = "{item.key}"'
    assert wants(text) == [Wanted(), Wanted()]


def test_an_action_can_wait_until_no_such_link_is_there(wants: Wants) -> None:
    text = HEAD + '[[then]]\ndo = "post"\nchannel = "a"\ntext = "x"\nunless_linked = "caused_by"'
    assert len(wants(text)[0].effects) == 1
    assert wants(text, links=(Link(INC, "caused_by", Ref("servicenow", "change", "CHG9")),)) == [Wanted()]


def test_what_an_effect_is_survives_every_edit_of_its_words(wants: Wants) -> None:
    one = HEAD + '[[then]]\ndo = "post"\nchannel = "a"\ntext = "old words"'
    two = (
        HEAD
        + '[[then]]\ndo = "comment"\ninternal = true\ntext = "first"\n[[then]]\ndo = "post"\nchannel = "a"\ntext = "new"'
    )
    assert wants(one)[0].effects[0].key == wants(two)[1].effects[0].key


def test_a_slot_lets_an_action_move_in_its_file(wants: Wants) -> None:
    named = '[[then]]\ndo = "comment"\ninternal = true\ntext = "x"\nslot = "hint"\n'
    other = '[[then]]\ndo = "comment"\ninternal = true\ntext = "y"\nslot = "other"\n'
    assert wants(HEAD + named + other)[0].effects[0].key == wants(HEAD + other + named)[1].effects[0].key


def test_the_far_end_of_a_link_is_what_a_system_is_shown(
    wants: Wants, scope: Scope, change: Callable[..., Change], now: datetime
) -> None:
    issue = Issue(
        ref=Ref("jira", "issue", "LOOP-1"), ident="1", title="Fix it", state="todo", updated_at=now, url="https://j/1"
    )
    text = (
        HEAD
        + '[match]\nkind = "issue"\n[[then]]\ndo = "link"\nrelation = "fixes"\nfrom = "other"\nto = "it"\nin = ["jira", "servicenow"]'
    )
    (wanted,) = wants(text, replace(scope, other=issue))
    assert [(e.system, e.title) for e in wanted.effects if isinstance(e, LinkTickets)] == [
        ("jira", "Checkout shows an error"),
        ("servicenow", "Fix it"),
    ]
