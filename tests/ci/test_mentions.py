"""Which issues a text speaks of."""

import pytest

from loopbot.ci.mentions import Keys, Mention, Pull, balance, of_commit, of_pull, taken_back

KEYS = Keys(("LOOP", "OPS2"), "https://jira.example/browse/")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("LOOP-1 fix the export", ["LOOP-1"]),
        ("fix(export): retry [LOOP-12], OPS2-3; LOOP-12 again", ["LOOP-12", "OPS2-3"]),
        ("Merge pull request #7 from shop/feature/LOOP-9-queue", ["LOOP-9"]),
        ("loop-1 Loop-1", []),
        ("XLOOP-1 LOOP-1x LOOP-01 LOOP- LOOP-0 SUB-LOOP-1 LOOP-1-2 LOOP-1.5", []),
        ("OTHER-1 UTF-8 CVE-2024-1234", []),
        ("see https://evil.example/browse/LOOP-1?x=LOOP-2", []),
        ("see (https://jira.example/browse/LOOP-4), please", ["LOOP-4"]),
        ("LOOP-5.", ["LOOP-5"]),
        ("", []),
    ],
)
def test_only_whole_keys_of_configured_projects_count(text: str, found: list[str]) -> None:
    assert KEYS.in_text(text) == found


def test_a_branch_may_write_its_key_small() -> None:
    assert KEYS.in_branch("feature/loop-7_export") == KEYS.in_branch("LOOP-7-export") == ["LOOP-7"]
    assert KEYS.in_branch("bugfix/gloop-7 release/2.7") == []


def test_without_projects_nothing_is_a_key() -> None:
    assert Keys(()).in_text("LOOP-1 UTF-8") == []


def test_reverting_a_revert_brings_it_back() -> None:
    assert taken_back('Revert "LOOP-1 export"')
    assert not taken_back('Revert "Revert "LOOP-1 export""')
    assert not taken_back("Revert the order of LOOP-1")


def test_a_revert_takes_back_what_its_title_names_and_nothing_its_body_does() -> None:
    said = of_commit(KEYS, "a" * 40, 'Revert "LOOP-1 export"\n\nIt broke LOOP-2.')
    assert said == [Mention("LOOP-1", "commit aaaaaaa", 1.0, taken_back=True)]
    assert of_pull(KEYS, Pull(3, "pull request #3", 'Revert "LOOP-1 export"', "Reverts LOOP-5", "revert-2-LOOP-9")) == [
        Mention("LOOP-1", "title of pull request #3", 1.0, taken_back=True)
    ]


def test_the_last_word_decides_and_the_surest_mention_is_kept() -> None:
    first, back = Mention("LOOP-1", "commit 1"), Mention("LOOP-1", "commit 2", taken_back=True)
    assert balance([first, back]).takes == {"LOOP-1": back}
    assert balance([back, first]).brings == {"LOOP-1": first}
    doubt = Mention("LOOP-1", "text", 0.8)
    assert balance([doubt, first]).brings == {"LOOP-1": first}
    assert balance([first, doubt]).brings == {"LOOP-1": first}


@pytest.mark.parametrize("text", ["LOOP-" + "1" * 100_000, "https://" + "a" * 100_000, 'Revert "' * 20_000])
def test_very_long_texts_are_read_quickly(text: str) -> None:
    assert KEYS.in_text(text) == []
    assert not taken_back(text)
