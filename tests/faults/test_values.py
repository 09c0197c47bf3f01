"""X: records and texts that mean harm, or that nobody thought of."""

import dataclasses
import io
import logging
import socket
import time
from typing import Any

import pytest
import requests
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.jira import jql
from connectors.servicenow.query import among, safe
from loopbot.domain.effects import Cause, Comment, SetFields, Transition
from loopbot.domain.errors import Rejected
from loopbot.domain.records import Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Scope
from loopbot.domain.texts import clean
from loopbot.logs import LogWitness, set_up
from loopbot.sandbox.jira.jql import Clause, parse
from tests.faults.catalogue import fault
from tests.faults.ground import CASES, ISSUES, NOTES, POSTS, Case, Ground, judge
from tests.support.made import incident
from tests.support.ruling import When, rule

each_writer = pytest.mark.parametrize("case", CASES, ids=str)


@fault("X1", "I2", "I8")
def test_a_row_that_can_not_be_mapped_is_set_aside_and_shown_and_the_rest_flows(ground: Ground) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(5)]
    ground.servicenow.update("incident", keys[2], {"state": "4711"})
    with ground.running(NOTES) as it:
        it.rest()
        with it.loop.store.read() as tx:
            (aside,) = tx.quarantined()
        assert aside.ident == keys[2]
        assert "4711" in aside.why
        assert [NOTES.count(ground, key) for key in keys] == [1, 1, 0, 1, 1]
        ground.servicenow.update("incident", keys[2], {"state": "2"})
        it.rest()
        judge(ground, it)
        with it.loop.store.read() as tx:
            assert tx.quarantined() == []
    assert NOTES.count(ground, keys[2]) == 1


@fault("X1", "I2", "I8")
def test_a_rule_that_fails_on_one_record_stops_neither_others_nor_other_rules(ground: Ground) -> None:
    keys = [ground.incident(f"Number {number} fails") for number in range(3)]

    def explode(scope: Scope) -> bool:
        return scope.it.key != keys[1] or bool(1 / 0)

    with ground.running(NOTES) as it:
        rules = Rulebook([*it.loop.rules.rules, rule("fragile", when=When(explode))])
        it.here = dataclasses.replace(it.here, loop=dataclasses.replace(it.loop, rules=rules))
        it.rest()
        with it.loop.store.read() as tx:
            (aside,) = tx.quarantined()
        assert "ZeroDivisionError" in aside.why
    assert [NOTES.count(ground, key) for key in keys] == [2, 1, 2]


SMUGGLED = [
    "x^ORactive=true",
    "^NQactive=true",
    "javascript:gs.getUser()",
    "JavaScript :gs.log()",
    "a\nb",
    "a\r^b",
    "\x00",
]


@fault("X2")
@pytest.mark.parametrize("value", SMUGGLED)
def test_a_value_that_would_become_a_condition_is_refused_before_any_call(ground: Ground, value: str) -> None:
    target = Ref("servicenow", "incident", value)
    cause = Cause("made", target, "0")
    with ground.running(NOTES) as it:
        it.rest()
        before = ground.calls("servicenow", "incident")
        with it.loop.store.write() as tx:
            tx.outbox.plan(
                [
                    Comment(system="servicenow", cause=cause, target=target, text="Hello"),
                    Transition(system="servicenow", cause=cause, target=target, to="resolved"),
                    SetFields(system="servicenow", cause=cause, target=target, fields=(("description", "x"),)),
                ]
            )
        it.rest()
        assert it.states() == {"parked": 3}
        assert ground.calls("servicenow", "incident") - before <= 1, "the poll"
    assert ground.ledger.entries("servicenow") == []


@fault("X2")
@given(st.text(max_size=30))
@settings(max_examples=80, deadline=None)
def test_no_text_gets_into_a_query_with_a_meaning_of_its_own(text: str) -> None:
    try:
        condition = among("servicenow", "number", [text])
    except Rejected:
        return
    assert not set("^\r\n\x00") & set(condition)
    assert safe("servicenow", text) == text
    assert "javascript:" not in condition.lower()


@fault("X3")
@given(
    st.text(max_size=30).map(clean) | st.sampled_from(['" OR project = SEC', "\\", '\\" OR "', "' OR 1=1", "{}[]()"])
)
@settings(max_examples=80, deadline=None)
def test_no_text_ends_a_string_of_jql(text: str) -> None:
    where = parse(jql.equals("summary", text)).where
    assert isinstance(where, Clause)
    (value,) = where.operands
    assert getattr(value, "text", None) == text


@fault("X3")
def test_a_quote_in_a_value_finds_what_carries_it_and_nothing_else(ground: Ground) -> None:
    ground.jira.add_project("SEC", "Secret")
    ground.jira.create_issue("SEC", "Salaries")
    with ground.running() as it:
        client: Any = it.here.connectors["jira"]._client  # type: ignore[attr-defined]
        query = jql.query(jql.equals("labels", 'x" OR project = SEC OR labels = "x'), order="key ASC")
        found = client.ask("/search/jql", {"jql": query, "fields": ["summary"]})
    assert found["issues"] == []


HOSTILE = (
    "<!channel> <!here> <@U012AB3CD> <#C0123|x> <https://evil.example|your bank> *b* _i_ `c` @everyone &lt;!channel&gt;"
)


@fault("X4")
def test_nobody_is_called_by_a_tickets_title(ground: Ground) -> None:
    ground.incident(HOSTILE)
    with ground.running(POSTS) as it:
        it.rest()
        judge(ground, it)
    (post,) = ground.entries("slack", "post")
    kinds, texts = set(), []

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("type") == "link":
                assert part.get("text", part["url"]) == part["url"], "an address is shown as what it is"
            kinds.add(part.get("type"))
            texts.append(part.get("text") if isinstance(part.get("text"), str) else "")
            for inner in part.values():
                look(inner)
        elif isinstance(part, list):
            for inner in part:
                look(inner)

    look(post.payload["blocks"])
    assert not kinds & {"user", "usergroup", "broadcast", "channel", "mrkdwn", "emoji"}
    assert HOSTILE in "".join(texts), "as it was written"
    assert "<!channel>" not in str(post.payload["text"]), "nor in what the notification shows"
    assert "<@U012AB3CD>" not in str(post.payload["text"])


EVIL = ["(a+)+$", "^(a|aa)+$", "(.*a){20}$", "(x+x+)+y"]


@fault("X5")
@pytest.mark.parametrize("pattern", EVIL)
def test_a_pattern_that_backtracks_elsewhere_takes_milliseconds(ground: Ground, pattern: str) -> None:
    ground.rule("slow", NOTES.rule.replace('on = "incident"', f'on = "incident"\nwhen = \'it.text =~~ "{pattern}"\''))
    long = incident(text="a" * 100_000 + "!")
    with ground.running() as it:
        when = it.loop.rules.rules[0].when
        assert when is not None
        spent = []
        for _ in range(5):
            began = time.perf_counter()
            when.holds(Scope(it=long, now=it.clock.now()))
            spent.append(time.perf_counter() - began)
    assert min(spent) < 0.010


ODD = {
    "NUL": "Before\x00after",
    "a bell and an escape": "\x07ding \x1b[31mred",
    "right to left": "invoice\u202efdp.exe",
    "emoji": "It burns \U0001f525\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "combining": "Z\u0351\u036b\u0343" * 30,
    "a separator of lines": "one\u2028two\u2029three",
    "a byte order mark": "\ufeffhello",
    "not a character": "\uffff\ufdd0",
    "a megabyte": "long " * 210_000,
    "no spaces": "x" * 70_000,
    "only spaces": "   \t  ",
    "markup": "{code}[~admin]{code} h1. *b* [x|http://y] !z.png!",
    "line ends": "one\r\ntwo\rthree\n",
}


@fault("X6", "I2")
@each_writer
@pytest.mark.parametrize("name", ODD)
def test_any_text_is_stored_and_delivered_and_cut_where_it_is_too_long(ground: Ground, case: Case, name: str) -> None:
    key = ground.incident(ODD[name][:160] or "x", description=ODD[name])
    text = "{it.key}: {it.title} {it.text}"
    odd = dataclasses.replace(
        case, rule=case.rule.replace("{it.key}: {it.title}", text).replace("loopbot: {it.key}", text)
    )
    with ground.running(odd) as it:
        it.rest()
        judge(ground, it)
        assert it.states() == {"settled": 1}
        with it.loop.store.read() as tx:
            assert "\x00" not in str(tx.mirror.find(key))
    assert case.count(ground, key) == 1
    written = "".join(str(one.payload) for one in ground.ledger.entries(case.system))
    assert "\x00" not in written
    assert "\\x00" not in written
    assert "\u202e" not in written
    if name in {"a megabyte", "no spaces"}:
        assert "…" in written or "[cut" in written, "a cut is marked"


@fault("X6")
@given(st.text(alphabet=st.characters(), max_size=200))
@settings(max_examples=80, deadline=None)
def test_what_no_system_can_hold_is_taken_out_at_the_border(text: str) -> None:
    cleaned = clean(text + "\ud800\x00")
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert clean(cleaned) == cleaned


@fault("X7")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_value_with_line_breaks_stays_one_line_of_the_log(form: str) -> None:
    out = io.StringIO()
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    try:
        set_up("info", form, lambda text: text, out)
        LogWitness().noted("effect delivered", receipt="x\r\n2026-03-02 [info] forged\nline\x0b\x0c\x85\u2028end")
    finally:
        structlog.reset_defaults()
        root.handlers[:], root.level = kept, level
    assert len(out.getvalue().strip("\n").splitlines()) == 1


@fault("X7")
def test_a_value_with_line_breaks_adds_no_header(ground: Ground) -> None:
    ground.incident("x\r\nX-Evil: 1", description="x\r\nSet-Cookie: evil")
    with ground.running(*CASES) as it:
        it.rest()
        judge(ground, it)
        for one in it.here.connectors.values():
            for adapter in it.adapters():
                assert adapter.policy.hosts, one
        assert it.states() == {"settled": 3}


INSIDE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://localhost:22/",
    "http://[::1]/",
    "file:///etc/passwd",
    "//10.0.0.1/x",
]


@fault("X9")
def test_an_address_in_a_record_is_never_fetched(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judged where every library has to pass: at the sockets, and at the names that are looked up."""
    reached, named = [], []
    look_up = socket.getaddrinfo

    class Noting(socket.socket):
        def connect(self, address: Any) -> None:
            reached.append(address)
            super().connect(address)

        def connect_ex(self, address: Any) -> int:
            reached.append(address)
            return super().connect_ex(address)

    def looking_up(name: Any, *args: Any, **more: Any) -> Any:
        named.append(name)
        return look_up(name, *args, **more)

    monkeypatch.setattr(socket, "socket", Noting)
    monkeypatch.setattr(socket, "getaddrinfo", looking_up)
    for url in INSIDE:
        ground.incident(f"Look at {url}", description=url, correlation_id=url)
    with ground.running(*CASES) as it:
        it.rest()
        judge(ground, it)
    ours = {("127.0.0.1", one.port) for one in ground.street.served.values()}
    assert set(reached) == ours
    assert set(named) == {"127.0.0.1"}


@fault("X9", "H17")
@pytest.mark.parametrize("url", [*INSIDE[:3], "http://127.0.0.2/", "https://evil.example/"])
def test_no_session_of_ours_speaks_to_another_host(ground: Ground, url: str) -> None:
    with ground.running() as it:
        for adapter in it.adapters():
            if requests.utils.urlparse(url).hostname in adapter.policy.hosts:
                continue
            with requests.Session() as session:
                session.mount("http://", adapter)
                session.mount("https://", adapter)
                with pytest.raises(Rejected, match="not a host"):
                    session.get(url)


@fault("X1", "X6")
def test_an_issue_with_an_odd_text_does_not_stop_the_stream(ground: Ground) -> None:
    for text in ODD.values():
        ground.jira.create_issue("LOOP", " ".join(text[:200].split()) or "x", description=text[:30_000])
    with ground.running(ISSUES) as it:
        done = it.read("jira:issue")
    assert (done.cycle.new, done.cycle.trouble) == (len(ODD), "")
