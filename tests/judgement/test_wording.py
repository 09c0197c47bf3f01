import time

import pytest

from loopbot.judgement.wording import wording

FORM = """Hello team,

### Steps to reproduce
Error message:
The nightly export stops with ORA-00942 on 10.0.0.3 at 2026-01-02 12:33:11 (id 5f2b3c4d5e6f7a8b, HTTP 503).
java.lang.NullPointerException
    at com.acme.export.CsvWriter.writeRows(CsvWriter.java:123)
    at java.util.HashMap.get(HashMap.java:11)
  File "/srv/acme/billing.py", line 3, in charge

Kind regards,
Mara Lind
Acme Operations

On Mon, Jan 5, 2026 at 9:00 Bob wrote:
> the printer is empty
"""


def test_what_is_left_is_what_the_writer_says_of_this_matter() -> None:
    said = wording("Exports are failing", FORM)
    assert said.title == ("export", "fail")
    assert {"night", "export", "stop", "ora", "503", "csvwriter", "writerows", "bill", "charg"} <= set(said.body)
    assert not {"mara", "lind", "printer", "team", "reproduce", "hashmap", "5f2b3c4d5e6f7a8b", "2026", "10"} & set(
        said.body
    )


def test_an_identifier_stands_whole_and_in_its_parts() -> None:
    assert wording("FSNamesystem.getBlockLocations").title == (
        "fsnamesystem", "fs", "namesystem", "getblocklocations", "block", "location",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("greeting", "farewell"),
    [
        ("Dzień dobry,", "Pozdrawiam"),
        ("Szanowni Państwo,", "Z poważaniem,"),
        ("Geachte heer Jansen,", "Met vriendelijke groet,"),
        ("Beste collega's,", "Alvast bedankt!"),
        ("Hej!", "Med vänliga hälsningar"),
        ("Kære support,", "Med venlig hilsen"),
        ("Hei alle sammen,", "Vennlig hilsen,"),
        ("Hyvä vastaanottaja,", "Ystävällisin terveisin,"),
        ("Dobrý den,", "S pozdravem"),
        ("Merhaba,", "Saygılarımla,"),  # noqa: RUF001 - a Turkish letter
        ("İyi günler,", "İyi çalışmalar."),  # noqa: RUF001 - a Turkish letter
        ("お世話になっております。", "以上、よろしくお願いいたします。"),
        ("お疲れ様です", "よろしくお願いします"),
        ("您好\uff0c", "谢谢\uff01"),
        ("各位好\uff1a", "此致"),
        ("Sehr geehrte Damen und Herren,", "Mit freundlichen Gru\u0308\u00dfen"),
    ],
)
def test_greetings_and_signatures_of_many_languages_tell_nothing(greeting: str, farewell: str) -> None:
    bare = wording("", "Export CSV stops halfway")
    assert wording("", f"{greeting}\n\nExport CSV stops halfway\n\n{farewell}\nMara Lind\nAcme Logistics") == bare


@pytest.mark.parametrize(
    "said",
    [
        "Hello, the export fails.",
        "Hi export fails again today.",
        "您好\uff0c导出失败。",
        "Dear all: no mail!",
        "Best is the export.",
    ],
)
def test_what_is_said_in_the_line_of_the_greeting_is_heard(said: str) -> None:
    assert set(wording("", said).body) - set(wording("", "Hello hi dear all best 您好").body)


def test_what_begins_with_thanks_is_no_signature() -> None:
    assert wording("", "Thanks\nThe export stops").body == wording("", "The export stops").body


def test_forms_of_a_word_become_one() -> None:
    assert len({wording(word).title for word in ("export", "exports", "exported", "exporting")}) == 1


def test_a_question_is_no_empty_field_of_a_form() -> None:
    assert "export" in wording("", "Why does the export stop?").body


@pytest.mark.parametrize(
    ("title", "terms"),
    [
        ("无法打开文件", ("无法", "法打", "打开", "开文", "文件")),
        ("Die Größe des Fensters", ("gross", "fenst")),
        ("La connexion échoue", ("connexion", "echou")),
        ("Печать не работает", ("печать", "работает")),
    ],
)
def test_other_languages_have_terms_too(title: str, terms: tuple[str, ...]) -> None:
    assert wording(title).title == terms


@pytest.mark.parametrize(
    "hostile",
    [
        *("a" * 1_000_000, "Aa" * 500_000, "> " * 500_000, "\n" * 1_000_000, "http://" * 150_000, "a.b." * 250_000),
        *(
            "From: " * 170_000,
            "on x " * 200_000,
            "漢" * 1_000_000,
            "at a." * 200_000,
            "#1 0x" * 200_000,
            "a@" * 500_000,
        ),
        *("a-" * 500_000, "x: " * 300_000, 'File "' * 150_000),
    ],
    ids=lambda text: text[:6],
)
def test_a_hostile_megabyte_takes_no_longer_than_a_ticket(hostile: str) -> None:
    begun = time.process_time()
    wording(hostile, hostile)
    assert time.process_time() - begun < 0.25
