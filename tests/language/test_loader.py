from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from loopbot.domain.rules import EVER, Rule
from loopbot.language.loader import load_rule, load_rules, parse_rule

GOOD = """
about = "Urgent incidents are linked to what caused them."
on = "incident"
when = 'it.priority <= 3'
settle = "10m"
once = { per = "{it.reopened}", for = "90d" }

[match]
kind = "change"
where = 'other.state in ["review", "closed"]'
rank = "suspect"

[[then]]
do = "link"
relation = "caused_by"
in = ["servicenow"]

[[then]]
do = "comment"
internal = true
text = "Probably caused by {other.key}."
"""


def errors_of(text: str, name: str = "a-rule") -> list[str]:
    return [str(error) for error in parse_rule(dedent(text), name, f"rules/{name}.toml").errors]


@pytest.mark.parametrize(
    ("said", "days"), [('rank = "suspect"', 3650), ('rank = "suspect"\nwithin = "9d"', 9), ("", 30)]
)
def test_suspects_are_looked_for_without_an_end_where_the_rule_names_none(said: str, days: int) -> None:
    text = f'about = "x"\non = "incident"\n[match]\nkind = "change"\n{said}\n[[then]]\ndo = "comment"\ninternal = true\ntext = "x"\n'
    (made,) = parse_rule(text, "cause", "cause").rules
    assert made.match is not None
    assert made.match.within == timedelta(days=days)


def test_suspects_may_be_of_several_kinds() -> None:
    (found,) = parse_rule(
        GOOD.replace('kind = "change"', 'kind = ["change", "deployment"]').replace("where", "# where"), "a", "a"
    ).rules
    assert found.match is not None
    assert found.match.kinds == ("change", "deployment")
    assert found.wakes_for == {"incident", "change", "deployment"}


def then(action: str, head: str = 'about = "x"\non = "incident"\n') -> str:
    return f"{head}\n[[then]]\n{dedent(action)}"


def test_a_rule_is_read_as_it_was_written(rule: Callable[[str], Rule]) -> None:
    made = rule(GOOD)
    assert made.name == "a-rule"
    assert made.on == {"incident"}
    assert made.wakes_for == {"incident", "change"}
    assert made.settle == timedelta(minutes=10)
    assert made.once.span == timedelta(days=90)
    assert made.when is not None
    assert made.when.text == "it.priority <= 3"
    assert made.match is not None
    assert (made.match.link_at, made.match.ask_at, made.match.within) == (0.8, 0.5, EVER)
    assert made.systems == {"servicenow"}
    assert (made.limit, made.mode) == (100, "live")
    assert len(made.then) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'about = "x"\non = "incident"\nwhen = "it.state == "new""\n',
            "rules/a-rule.toml, line 3, column 22: this is not TOML: expected newline or end of document after a statement (put a condition that has double quotes in it between single quotes)",
        ),
        ("about = x\n", "rules/a-rule.toml, line 1, column 9: this is not TOML: invalid value (a text needs quotes)"),
        (
            then('do = "lnk"'),
            'rules/a-rule.toml, then[1].do: "lnk" is not something a rule can do (did you mean `link`?)',
        ),
        (
            then('relation = "fixes"'),
            "rules/a-rule.toml, then[1].do: `do` is missing (a rule can open, link, comment, transition, set, mirror, post, tell, ask, broadcast)",
        ),
        (
            then('do = "comment"\ninternal = true\ntext = "x"\ntxt = "y"'),
            "rules/a-rule.toml, then[1].txt: `txt` is not a key here (did you mean `text`?)",
        ),
        (
            then('do = "comment"\ntext = "x"'),
            "rules/a-rule.toml, then[1].internal: `internal` is missing (true: for the team only; false: customers read it)",
        ),
        (
            then('do = "comment"\ninternal = "yes"\ntext = "x"'),
            'rules/a-rule.toml, then[1].internal: has to be true or false, not "yes" (leave the quotes out)',
        ),
        (
            then('do = "transition"\nto = "done"'),
            'rules/a-rule.toml, then[1].to: "done" is not a state of an incident (known here: cancelled, closed, in_progress, new, on_hold, resolved)',
        ),
        (
            then('do = "comment"\non = "other"\ninternal = true\ntext = "x"'),
            "rules/a-rule.toml, then[1].on: `other` means nothing here: this rule has no [match]",
        ),
        (
            then('do = "comment"\non = "itt"\ninternal = true\ntext = "x"'),
            "rules/a-rule.toml, then[1].on: `itt` is unknown (did you mean `it`?)",
        ),
        (
            then('do = "post"\nchannel = "re leases"\ntext = "x"'),
            'rules/a-rule.toml, then[1].channel: "re leases" is not a channel (write its name, such as releases)',
        ),
        (
            then('do = "tell"\ntext = "{it.group}"'),
            "rules/a-rule.toml, then[1].text: `{it.group}` of an incident can hold internal matter, and a customer reads this text (a customer may read it.environment, it.key, it.occurred_at, it.opened_at, it.reason, it.resolved_at, it.services, it.text, it.title, it.url)",
        ),
        (
            then('do = "tell"\ntext = "x"\nwho = "boss"'),
            'rules/a-rule.toml, then[1].who[1]: "boss" is not known (known here: assignee, follower, opener, reporter, thread)',
        ),
        (
            then('do = "tell"\ntext = "x"\nbuttons = { yes = "Yes" }'),
            'rules/a-rule.toml, then[1].buttons: buttons without a question (add question = "..." to name the answers)',
        ),
        (
            then('do = "open"\nsystem = "jira"\nkind = "issue"\nplace = "LOOP"\ntitle = "x"\npriority = 9'),
            "rules/a-rule.toml, then[1].priority: has to be 1 (highest) to 5, not 9",
        ),
        (
            then('do = "post"\nchannel = "x"\ntext = "x"', 'about = "x"\non = "incidnt"'),
            'rules/a-rule.toml, on: "incidnt" is not known (did you mean `incident`?)',
        ),
        (
            then('do = "post"\nchannel = "x"\ntext = "x"', 'about = "x"\non = "incident"\nsettle = "10 minutes"'),
            "rules/a-rule.toml, settle: '10 minutes' is not a span; write a number and s, m, h, d or w, such as 10m, 14d or 1h30m",
        ),
        (
            then('do = "post"\nchannel = "x"\ntext = "x"', 'about = "x"\non = "incident"\nlimit = "3"'),
            'rules/a-rule.toml, limit: has to be a whole number, not "3" (leave the quotes out)',
        ),
        (
            then('do = "post"\nchannel = "x"\ntext = "x"', 'about = "x"\non = "incident"\nlimit = 0'),
            "rules/a-rule.toml, limit: has to be at least 1, not 0",
        ),
        (
            then(
                'do = "post"\nchannel = "x"\ntext = "x"', 'about = "x"\non = "incident"\nwhen = "other.state == null"'
            ),
            "rules/a-rule.toml, when: `other` means nothing here: this rule has no [match]",
        ),
        (
            then(
                'do = "post"\nchannel = "x"\ntext = "{other.key}"\n',
                'about = "x"\non = "deployment"\n[match]\nkind = "issue"\npick = "all"',
            ),
            'rules/a-rule.toml, then[1].text: `other` means nothing here: [match] has pick = "all"; the records are `others`',
        ),
        (
            then(
                'do = "post"\nchannel = "x"\ntext = "x"\n',
                'about = "x"\non = "incident"\n[match]\nkind = "change"\nlink_at = 0.4',
            ),
            "rules/a-rule.toml, match.ask_at: 0.5 lies above link_at (0.4) (people are asked below link_at)",
        ),
        (
            then(
                'do = "post"\nchannel = "x"\ntext = "x"\n',
                'about = "x"\non = "incident"\n[match]\nkind = ["issue", "problem"]\nrank = "similar"',
            ),
            (
                "rules/a-rule.toml, match.kind: several kinds are only ranked as suspects"
                ' (rank = "suspect", or write one rule a kind)'
            ),
        ),
        (
            then(
                'do = "post"\nchannel = "x"\ntext = "{other.environment}"\n',
                'about = "x"\non = "incident"\n[match]\nkind = ["release", "deployment"]\nrank = "suspect"',
            ),
            "rules/a-rule.toml, then[1].text: `other.environment` can not be used: release has no `environment`, and [match] finds deployment and release",
        ),
        (
            'about = "x"\non = "incident"\n[then]\ndo = "post"\n',
            "rules/a-rule.toml, then: `then` has to be a list of tables (write [[then]] with double brackets)",
        ),
        (
            then(
                'do = "post"\nchannel = "x"\ntext = "x"\n', 'about = "x"\non = "incident"\n[[match]]\nkind = "change"'
            ),
            "rules/a-rule.toml, match: `match` has to be one table (write [match] with single brackets)",
        ),
        ('about = "x"\non = "incident"\n', "rules/a-rule.toml, then: `then` is missing (what it asks for)"),
    ],
)
def test_each_mistake_says_file_key_reason_and_remedy(text: str, expected: str) -> None:
    assert errors_of(text) == [expected]


def test_a_link_the_wrong_way_round_is_turned_round() -> None:
    text = then(
        """
        do = "open"
        system = "jira"
        kind = "issue"
        place = "LOOP"
        title = "{it.title}"
        as = "item"
        [[then]]
        do = "link"
        relation = "fixes"
        from = "it"
        to = "item"
        """,
    )
    assert errors_of(text) == [
        (
            "rules/a-rule.toml, then[2].relation: `fixes` goes from an issue to a feedback, incident or problem, "
            'not from an incident to an issue (swap them: from = "item", to = "it")'
        ),
    ]


def test_all_mistakes_of_a_file_are_told_together() -> None:
    found = errors_of(
        """
        about = "x"
        on = "incident"
        when = 'it.prio < 3'
        once = "{it.titel}"
        [match]
        kind = "change"
        where = 'other.state == "don"'
        [[then]]
        do = "comment"
        internal = true
        text = "{other.keyy}"
        if = "score >"
        """,
    )
    assert [error.split(": ")[0].partition(", ")[2] for error in found] == [
        "when",
        "then[1].if",
        "then[1].text",
        "match.where",
        "once.per",
    ]


@pytest.mark.parametrize("name", ["My Rule", "a_rule", "-rule", "rule-", "2rules", "règle", "a--b"])
def test_a_rule_is_named_in_kebab_case(name: str) -> None:
    assert "can not be the name of a rule" in str(parse_rule(GOOD, name).errors[0])


def test_a_folder_gives_its_good_rules_and_all_that_is_wrong_with_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "good.toml").write_text(GOOD)
    (folder / "bad.toml").write_text('about = "x"')
    (folder / "worse.toml").write_bytes(b'about = "\xff"')
    (folder / "notes.txt").write_text("no rule")
    loaded = load_rules(folder)
    assert [rule.name for rule in loaded.rules] == ["good"]
    assert [error.where for error in loaded.errors] == [
        "rules/bad.toml, on",
        "rules/bad.toml, then",
        "rules/worse.toml",
    ]
    assert "not UTF-8" in str(loaded.errors[-1])


def test_a_folder_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    assert "there is no such folder" in str(load_rules(tmp_path / "none").errors[0])
    assert "can not be read" in str(load_rule(tmp_path / "none.toml").errors[0])


def test_two_actions_can_not_share_a_slot() -> None:
    action = '[[then]]\ndo = "post"\nchannel = "a"\ntext = "x"\nslot = "news"\n'
    assert errors_of(f'about = "x"\non = "incident"\n{action}{action}') == [
        'rules/a-rule.toml, then[2].slot: two actions have the slot "news" (an action\'s slot is its own)',
    ]


def test_a_ticket_can_not_take_a_name_that_is_taken() -> None:
    text = then('do = "open"\nsystem = "jira"\nkind = "issue"\nplace = "L"\ntitle = "x"\nas = "it"')
    assert errors_of(text) == [
        "rules/a-rule.toml, then[1].as: `it` means something else already (choose another name)",
    ]
