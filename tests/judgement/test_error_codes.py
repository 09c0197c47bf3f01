"""What counts as the code of an error, and what it tells of two tickets."""

import time
from dataclasses import replace

import pytest

from loopbot.judgement.error_codes import error_codes, is_error
from loopbot.judgement.recurrence import Recurrences
from loopbot.judgement.wording import wording
from loopbot.language.scene import Scene
from tests.judgement.test_recurrence import TWO_WEEKS, ticket
from tests.support.made import at


@pytest.mark.parametrize(
    ("line", "terms"),
    [
        ("The job stops with ORA-00942: table or view does not exist", {"ora00942"}),
        ("ORA-942 again", {"ora00942"}),
        ("Update fails (0x80070005)", {"0x80070005"}),
        ("Printing ends with error 0x0000011B", {"0x0000011b"}),
        ("0xC0000005 and 0xe0434352", {"0xc0000005", "0xe0434352"}),
        ("STOP: 0x0000007E (0xC0000005, 0x8054E4E5, 0xF79E35E8)", {"0x0000007e"}),
        ("since KB5034441", {"kb5034441"}),
        ("AADSTS7000215: invalid client secret", {"aadsts7000215"}),
        ("Transaction was deadlocked, error 1205", {"error1205"}),
        ("MSI error code: 1603", {"error1603"}),
        ("Fehler 1205 beim Speichern", {"error1205"}),
        ("npm ERR! errno -4058", {"error4058"}),
        ("it ends with exit code 137", {"error137"}),
        ("SVC-00417 on the display", {"svc00417"}),
    ],
)
def test_what_a_product_calls_its_trouble_is_a_code(line: str, terms: set[str]) -> None:
    assert {term for term, _ in error_codes(line)} == terms
    assert terms <= wording("", line).terms


@pytest.mark.parametrize(
    "line",
    [
        *("LOOP-42", "LOOP-1234 and HADOOP-12345", "INC0012345", "CHG0031", "see KB0010001", "part-00012", "UTF-8"),
        *("reading at 0x80123456", "at address 0xC0401000", "module @0x8254c1e9", "0x00000000", "0x7ffe0304"),
        *("- locked <0x88af01c8> (a Lock)", "prio=10 tid=0xcdfc5000", "(Log4JLogger.java:error(115))"),
        *("eax 0x80000001 ebx 0x80000002 ecx 0x80000003"),
        *("Error: 12 rows failed", "error 2026-01-02 11:00", "error 10.0.0.3", "error 45% of the time", "error 3"),
        *("zip code 12345", "room 1205", "errors 120", "5f2b3c4d5e6f7a8b"),
    ],
)
def test_keys_addresses_counts_and_times_are_none(line: str) -> None:
    assert not list(error_codes(line))


def test_the_address_of_a_native_frame_is_none() -> None:
    assert wording("", "#3  0x80401000 in start_export ()").terms == {"start", "export"}


def test_a_code_in_common_is_told_and_makes_two_tickets_much_more_alike() -> None:
    one = ticket("INC9", "Update does not install", text="It ends with 0x80070005.")
    other = ticket("INC1", "Windows patch rolls back", 3, text="Fehler 0x80070005 in the log, error 1603 after it.")
    unlike = replace(other, text="Fehler 0x80240017 in the log, error 1603 after it.")

    def likeness(of: object) -> tuple[float, tuple[str, ...]]:
        scene = Scene(at(0), {each.ref: each for each in (one, of)})  # type: ignore[attr-defined, misc]
        found = list(Recurrences().alike(one, scene, replace(TWO_WEEKS, alike=0.0001)))
        return (found[0].score, found[0].because) if found else (0.0, ())

    alike, because = likeness(other)
    assert "both have error 0x80070005" in because
    assert alike > 3 * likeness(unlike)[0]
    assert not any("error" in reason for reason in likeness(unlike)[1])


def test_a_code_stands_for_an_error_and_a_number_with_a_leading_zero_only_for_itself() -> None:
    assert all(is_error(term) for term in ("0x80070005", "error1205", "ora00942"))
    assert not any(is_error(term) for term in ("svc00417", "kb5034441", "error", "errorlog", "oracle", "503"))


@pytest.mark.parametrize("hostile", ["0x80000000 " * 100, "error " * 200, "ORA-" * 300, "error:#(" * 120, "AB-0" * 250])
def test_a_hostile_line_takes_no_time(hostile: str) -> None:
    begun = time.process_time()
    for _ in range(100):
        list(error_codes(hostile))
    assert time.process_time() - begun < 0.5
