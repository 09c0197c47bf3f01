"""Texts on their way out stay texts, and come back as they were."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.jira import adf, wiki
from connectors.jira.mapping import text_of
from loopbot.domain.texts import clean
from loopbot.sandbox.jira import adf as twin_adf

TEXTS = st.text(
    alphabet=st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\n[]{}*_-+~^|!?\\h1.@&#;:) ")
)


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(inner for child in node.get("content", []) for inner in _nodes(child))]


@given(TEXTS)
@example("[~admin] <!channel> https://evil.example @everyone")
@example("a\n\n\n\nb\n")
def test_a_document_holds_the_text_and_nothing_but_text(text: str) -> None:
    document = adf.document(text)

    assert twin_adf.flaw(document) is None
    assert adf.plain(document) == text
    nodes = _nodes(document)
    assert {node["type"] for node in nodes} <= {"doc", "paragraph", "text", "hardBreak"}
    assert not any("marks" in node or "attrs" in node for node in nodes)


@given(TEXTS)
@example("see https://gitlab.example/a/-/issues/1_?x=1&copy=2&lt;#n and (https://x.example/[~admin]??*a*)")
@example("h1. Title\nbq. quote\n* one\n# two\n----")
@example("{code}rm -rf{code} [~admin] !image.png! [x|https://evil.example] &#46; :) (/) \\\\ ??c?? {*}b{*}")
def test_markup_escaped_for_data_center_reads_back_as_the_text(text: str) -> None:
    assert wiki.plain(wiki.escaped(text)) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("[~admin]", "\\[\\~admin\\]"),
        ("{code}", "\\{code\\}"),
        ("!image.png!", "\\!image.png\\!"),
        ("h1. Title", "h1&#46; Title"),
        ("*bold* and -gone-", "\\*bold\\* and \\-gone\\-"),
        ("- item", "\\- item"),
        ("snake_case log-in 3*4", "snake_case log-in 3*4"),
        ("a | b", "a \\| b"),
        ("at https://git.example/a/-/b_c?d=~e&f#g.", "at https://git.example/a/-/b_c?d=~e&f#g."),
        ("https://x.example/[~admin]{code}", "https://x.example/\\[\\~admin\\]\\{code\\}"),
    ],
)
def test_every_piece_of_markup_loses_its_meaning(text: str, escaped: str) -> None:
    assert wiki.escaped(text) == escaped


def test_a_persons_document_is_read_with_its_lists_links_and_mentions() -> None:
    def text(words: str, href: str = "") -> dict[str, Any]:
        marks = {"marks": [{"type": "link", "attrs": {"href": href}}]} if href else {}
        return {"type": "text", "text": words, **marks}

    def paragraph(*nodes: dict[str, Any]) -> dict[str, Any]:
        return {"type": "paragraph", "content": list(nodes)}

    document = {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "heading", "attrs": {"level": 1}, "content": [text("Steps")]},
            {
                "type": "orderedList",
                "content": [
                    {"type": "listItem", "content": [paragraph(text("Open "), text("the page", "https://x.example"))]},
                    {
                        "type": "listItem",
                        "content": [paragraph({"type": "mention", "attrs": {"id": "1", "text": "@Ann"}})],
                    },
                ],
            },
            {"type": "codeBlock", "content": [text("a = 1\nb = 2")]},
            {
                "type": "table",
                "content": [
                    {
                        "type": "tableRow",
                        "content": [
                            {"type": "tableCell", "content": [paragraph(text("x"))]},
                            {"type": "tableCell", "content": [paragraph(text("y"))]},
                        ],
                    }
                ],
            },
            {"type": "somethingNew", "attrs": {}},
        ],
    }

    assert text_of(document) == "Steps\n\n1. Open the page (https://x.example)\n2. @Ann\n\na = 1\nb = 2\n\nx | y"


@pytest.mark.parametrize(
    "value", [None, 3, [], {}, {"type": "doc"}, {"type": "doc", "content": "x"}, {"content": [1, None]}]
)
def test_what_is_no_document_reads_as_nothing(value: Any) -> None:
    assert text_of(value) == ""


def test_a_document_nested_absurdly_is_read_as_far_as_is_sensible() -> None:
    node: dict[str, Any] = {"type": "text", "text": "deep"}
    for _ in range(500):
        node = {"type": "panel", "content": [node]}

    assert (
        text_of(
            {"type": "doc", "content": [node, {"type": "paragraph", "content": [{"type": "text", "text": "flat"}]}]}
        )
        == "flat"
    )


def test_controls_and_overrides_do_not_come_in() -> None:
    assert text_of(adf.document("a\x00b\u202ec")) == clean("a\x00b\u202ec") == "abc"
