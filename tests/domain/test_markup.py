"""HTML as text: what a person would read, in a time that hostile markup can not stretch."""

import time

import pytest

from loopbot.domain.markup import LONGEST, plain


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("no markup, a < b && c > d", "no markup, a < b && c > d"),
        ("<p>One.</p><p>Two.</p>", "One.\n\nTwo."),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<ul><li>one</li>\n<li>two</li></ul>", "• one\n• two"),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr></table>", "a | b\nc | d"),
        ("<pre>if x:\n  y</pre>", "if x:\n y"),
        ("a\n  line   of\tthe&nbsp;source", "a line of the source"),
        ("&lt;!channel&gt; &amp;amp; &#x1F4A5;", "<!channel> &amp; \U0001f4a5"),
        ("<a href='https://evil.example' title=\"a > b\">https://bank.example</a>", "https://bank.example"),
        ("<b>bold</b> and <i>not</i>", "bold and not"),
    ],
)
def test_what_a_person_reads_is_kept(markup: str, text: str) -> None:
    assert plain(markup) == text


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert('x')</script>shown",
        "<SCRIPT src=a>x</Script >shown",
        "<style>x{}</style>shown",
        "<!-- x -->shown",
        "<svg><text>x</text></svg>shown",
        "<img src=x onerror=alert('x') alt='x'>shown",
        "<ac:structured-macro ac:name='code'><ac:parameter ac:name='x'>x</ac:parameter></ac:structured-macro>shown",
        "shown<script>x",
        "shown<!-- x",
        "<?xml version='x'?><!DOCTYPE x>shown",
    ],
)
def test_what_is_not_shown_is_left_out(markup: str) -> None:
    assert plain(markup) == "shown"


def test_letters_that_change_their_length_in_lower_case_hide_no_end_of_a_script() -> None:
    assert plain("\u0130\u0130\u0130<script>x</SCRIPT>shown") == "\u0130\u0130\u0130shown"


def test_code_of_a_wiki_page_is_text_whatever_stands_in_it() -> None:
    macro = "<ac:plain-text-body><![CDATA[<script>x</script>\n  y]]></ac:plain-text-body>"
    assert plain(f"<p>Run</p>{macro}") == "Run\n\n<script>x</script>\n y"


def test_a_tag_that_is_cut_off_is_shown_and_not_swallowed_with_what_follows() -> None:
    assert plain("Press <Enter and wait") == "Press <Enter and wait"


@pytest.mark.parametrize(
    "piece", ["<", "<a ", '<a "', "<!--", '<a "<a" ', "<script>", "&", "&#", "<a '\"", " x='y'", "</pre>", "\n", "<![CDATA["]
)  # fmt: skip
def test_hostile_markup_takes_no_longer_than_its_length_allows(piece: str) -> None:
    def took(length: int) -> float:
        began = time.process_time()
        plain((piece * length)[:length])
        return time.process_time() - began

    short, long = took(LONGEST // 8), took(LONGEST)
    assert long < max(short * 40, 0.5), "eight times the length, and nothing like eight times eight times the time"


def test_what_lies_beyond_the_longest_is_not_looked_at() -> None:
    assert len(plain("<b>x</b>" * LONGEST)) <= LONGEST // 8 + 1
