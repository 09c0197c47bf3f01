"""The fault catalogue: what loopbot must survive and what it does then, in words; each row is held by a test or named open.

A test takes a row with `@fault("H7")` above it. `tests/faults/test_catalogue.py` fails where a row has no test, where pytest
does not collect what is named here, and where the page `docs/faults.md` is not what `python -m tests.faults` writes once all of them have passed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pytest


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: its name in the catalogue, what goes wrong, what loopbot does."""

    name: str
    fault: str
    does: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """Faults of one sort."""

    title: str
    rows: tuple[Row, ...]


def fault(*names: str) -> pytest.MarkDecorator:
    """This test holds these rows of the catalogue."""
    unknown = set(names) - ROWS.keys()
    if unknown:
        message = f"{sorted(unknown)} are no rows of the fault catalogue"
        raise ValueError(message)
    return pytest.mark.fault(*names)


CHAPTERS = (
    Chapter(
        "What always holds",
        (
            Row("I1", "any fault", "At most one effect for each identity is on the server."),
            Row("I2", "any fault, then it heals", "Nothing that was to be done is missing in the end."),
            Row("I3", "a page that can not be committed", "The cursor passes no row that was not committed with it."),
            Row("I4", "loopbot's own writes come back", "They set off nothing."),
            Row("I5", "a field that a person changed", "It is not overwritten without being shown."),
            Row(
                "I6", "a credential in every place it could leak from", "It is in no log line, no database, no message."
            ),
            Row("I7", "any fault", "The number of calls stays within what the work needs; waiting costs none."),
            Row("I8", "any fault", "What has not settled says why, where people see it."),
        ),
    ),
    Chapter(
        "HTTP",
        (
            Row(
                "H1",
                "429 with Retry-After in seconds",
                "That endpoint is left alone for at least so long; other systems go on; it does not count as a failure.",
            ),
            Row(
                "H2",
                "429 whose Retry-After is a date, negative, huge, absent or nonsense, or whose body is HTML",
                "Both forms are read and kept between 1 s and 1 h; where it says nothing usable, a pause of our own.",
            ),
            Row("H3", "429 for one issue only", "That issue waits; the endpoint stays open for all others."),
            Row(
                "H4",
                "502, 503 or 504 on a read",
                "It is tried three times with growing, jittered pauses, then at the next poll.",
            ),
            Row(
                "H5",
                "500 after the body of a write was sent",
                "The write is uncertain: looked for by its marker, sent again only when it is certainly not there.",
            ),
            Row(
                "H6",
                "connection refused, a name that does not resolve, a certificate that is not accepted",
                "Certainly not sent, so it is tried again; encryption is never switched off or downgraded.",
            ),
            Row(
                "H7",
                "the connection is reset after the effect",
                "Exactly one effect: it is looked for, found, and settled.",
            ),
            Row(
                "H8",
                "an answer that hangs, or drips",
                "5 s to connect, 30 s to read, 60 s in all, whatever drips; a write whose answer did not come is uncertain.",
            ),
            Row(
                "H9",
                "200 with cut or invalid JSON",
                "The page is refused whole and the cursor stays; it is read again.",
            ),
            Row(
                "H10",
                "200 with a login page, or a redirect to one",
                "Said as a matter of credentials, never taken for `no rows`; the cursor stays. That system pauses, as after H11.",
            ),
            Row(
                "H11",
                "401 in the middle of a run, whether the write it answers was done or not",
                "That system pauses after one refused call and the others go on; the write is looked for, not sent again. "
                "After the pause a read asks whether the credentials are taken again, before anything is written.",
            ),
            Row("H12", "403 on one record", "That one effect is parked with the reason; the others go on."),
            Row("H13", "410: an endpoint that was removed", "`loopbot check` says so; nothing is retried against it."),
            Row(
                "H14",
                "a bulk call that succeeds in part",
                "Each item is settled by itself; only what failed is sent again.",
            ),
            Row(
                "H15",
                "a bulk answer in another order, or with fewer items",
                "Matched by id; what is missing is uncertain.",
            ),
            Row(
                "H16",
                "a page that repeats, a page token that comes again, pages without end",
                "Noticed, told as an error; the cursor stays where the good pages left it.",
            ),
            Row(
                "H17",
                "a redirect to another host, whether the write it answers was done or not",
                "Not followed; the credentials go nowhere else; the write is looked for, not sent again.",
            ),
            Row(
                "H18",
                "a decompression bomb, a huge body, JSON nested a hundred thousand deep",
                "Ended at the size limit, or refused when parsed; the process goes on.",
            ),
        ),
    ),
    Chapter(
        "Time",
        (
            Row(
                "T1",
                "the clock is set an hour forward or back",
                "Cursors hold the servers' stamps and waits are counted on a clock that never jumps: nothing is lost or doubled.",
            ),
            Row(
                "T2",
                "clocks of loopbot, ServiceNow and Jira ten minutes apart",
                "Stamps of two systems are never compared to decide what was read; `check` reports the skew.",
            ),
            Row("T3", "daylight saving, and an account whose zone is not UTC", "The same records in every zone."),
            Row("T4", "thousands of rows with one update stamp", "All are read: the order is stamp and id."),
            Row(
                "T5",
                "a row that becomes visible 45 s late",
                "Seen by the next poll: each reading overlaps the last by 300 s.",
            ),
            Row("T6", "the machine sleeps for eight hours", "One catch-up reading, no storm of calls."),
            Row(
                "T7",
                "a search index that lags five minutes",
                "No second ticket: the outbox knows what was opened, and looks by key.",
            ),
        ),
    ),
    Chapter(
        "Processes",
        (
            Row(
                "P1",
                "killed at any commit, send or receive",
                "At the restart nothing is lost, doubled or sent blindly again.",
            ),
            Row(
                "P2",
                "SIGTERM in the middle of a batch",
                "What is under way is finished within 20 s, the rest stays planned.",
            ),
            Row(
                "P3",
                "two daemons at once",
                "On SQLite the second refuses and names the first; on Postgres it joins and shares the work.",
            ),
            Row(
                "P4",
                "a worker that is paused and wakes up late",
                "Its late answer is fenced off; what it was sending is uncertain.",
            ),
        ),
    ),
    Chapter(
        "The store",
        (
            Row("D1", "a database that is locked or busy", "It is waited for; nothing is dropped."),
            Row(
                "D2",
                "a full disk",
                "Sending stops before the disk is full, since what could not be written down could be doubled; it goes on once there is room.",
            ),
            Row(
                "D3",
                "a corrupt or lost database",
                "loopbot refuses to start on it; a new one is rebuilt from the markers on the tickets, without new tickets.",
            ),
            Row(
                "D4",
                "an old backup restored",
                "What was done since is found by its markers and adopted, not done again.",
            ),
            Row("D5", "a schema newer than the code", "Refused and left untouched, with what to do."),
        ),
    ),
    Chapter(
        "Webhooks",
        (
            Row("Q1", "the same webhook twice, or a hundred times", "One effect."),
            Row(
                "Q2",
                "webhooks out of order, an update before its create",
                "The record is fetched as it is now; the end is the same.",
            ),
            Row(
                "Q3",
                "a webhook that is lost, or a hook that expired",
                "The poll and the sweep find the change; the expiry is told.",
            ),
            Row("Q4", "a storm of webhooks", "Answered once they are kept; coalesced by record; bounded."),
        ),
    ),
    Chapter(
        "Texts and values",
        (
            Row(
                "X1",
                "a record that a rule or the mapping can not take",
                "Set aside with the reason, shown; everything else goes on.",
            ),
            Row(
                "X2",
                "`^ORactive=true` or `javascript:` in a value",
                "Refused before any call; a value never becomes a condition.",
            ),
            Row(
                "X3",
                "a quote that would end a JQL string",
                "Escaped: it finds what carries that very text, and nothing else.",
            ),
            Row(
                "X4",
                "`<!channel>` and disguised links in a ticket's title",
                "Arrives in Slack as text; nobody is called.",
            ),
            Row("X5", "a pattern such as `(a+)+$` and a text of 100 kB", "Searched in linear time: milliseconds."),
            Row(
                "X6",
                "NUL, lone surrogates, right-to-left overrides, emoji, a text of 1 MB",
                "Stored and delivered; what no system can hold is taken out, what is too long is cut and marked as cut.",
            ),
            Row(
                "X7",
                "line breaks in a value that is logged or sent in a header",
                "One log line stays one; no header can be added.",
            ),
            Row(
                "X8",
                "webhooks that are forged, stale, meant for another host, replayed, or not even text",
                "401 and nothing written. One that is replayed before it is stale is byte by byte what a system sends again when it heard no answer: 202, so that nobody stops sending, and nothing written.",
            ),
            Row(
                "X9",
                "an address in a record that points into the own network",
                "Never fetched: only configured hosts are spoken to.",
            ),
            Row("X10", "a secret pasted into a ticket or an error", "Left out of logs, terminal and Slack."),
        ),
    ),
    Chapter(
        "Permissions",
        (
            Row(
                "A1",
                "a role is taken away and fields go missing",
                "Missing is not empty: the mirror keeps what it knew, says what is hidden, and nothing is cleared anywhere.",
            ),
            Row("A2", "a role is taken away and rows go missing", "They are not taken for deleted."),
            Row(
                "A3",
                "a filter names a field that does not exist (ServiceNow would answer with the whole table)",
                "Refused by the dictionary before the first row is read; rows are checked again when they come.",
            ),
        ),
    ),
    Chapter(
        "Configuration of the systems",
        (
            Row(
                "S1",
                "a field is renamed or gets another type, a list of choices changes, also while loopbot is at work",
                "`check` says so; what needs it is refused with its name, and only that; what a field did not take is not called done.",
            ),
            Row(
                "S2",
                "a new status, a transition that is gone",
                "The status is what its category says; the transition is parked with the list of those that are possible.",
            ),
            Row(
                "S3",
                "a field becomes required where tickets are opened",
                "Jira's own words are kept; after five like refusals within an hour the rule's other effects are held instead of tried.",
            ),
        ),
    ),
    Chapter(
        "Records that go away",
        (
            Row(
                "L1",
                "an issue is deleted, moved or archived",
                "Its link is marked or follows the key; it is not opened again.",
            ),
            Row(
                "L2",
                "an incident is deleted, or merged into another (cancelled as its child)",
                "What a deleted one is linked with is told once; the mirrored issue of a merged one is closed once.",
            ),
        ),
    ),
    Chapter(
        "Echoes",
        (
            Row(
                "E1",
                "loopbot's own write comes back by poll and webhook",
                "Known by the receipt: no rule acts, no call is made.",
            ),
            Row(
                "E2",
                "another bot mirrors what loopbot writes",
                "When a rule acts on one record for the seventh time in ten minutes, that is held for a person, and shown.",
            ),
        ),
    ),
    Chapter(
        "Conflicts",
        (
            Row(
                "C1",
                "both sides edit the same field",
                "The rule's winner stands, the loser's value is kept where people find it.",
            ),
            Row(
                "C2",
                "a person edits between our reading and our writing",
                "Noticed by the row's counter before anything is written; it waits until the change was read, and writes only what differs. "
                "What comes in the very moment of the write is found in the ticket's history after it, and is a conflict; where the "
                "history can not be read, that nobody knows is.",
            ),
        ),
    ),
    Chapter(
        "Rules",
        (
            Row(
                "R1",
                "a rule is edited and now fits 50,000 records",
                "`plan` counts them; beyond its limit an hour the rest is held.",
            ),
            Row(
                "R2",
                "a record flaps between two states",
                "Each record's effects keep their order; `settle` lets its first minutes pass; more than six acts in ten minutes are held.",
            ),
        ),
    ),
    Chapter(
        "Telling people",
        (
            Row(
                "M1",
                "the answer to a message that holds several is lost",
                "It is found by any of its keys, and all of it is settled; nothing behind it goes out before.",
            ),
            Row(
                "M2",
                "killed between gathering a message, sending it and noting it",
                "What was gathered is noted before it is sent: sent, it is adopted whole; not sent, it is gathered anew.",
            ),
            Row(
                "M3",
                "one part of a message is refused",
                "The message is taken apart, and each part sent by itself: the one that is refused waits for a person alone.",
            ),
            Row(
                "M4",
                "two nodes deliver to one person",
                "What is on its way with one of them is out of reach of the other.",
            ),
            Row(
                "M5",
                "a fix is rolled back before, while or after it is told",
                "Who was told hears it; what was not told yet never is; what is delivered anew is told anew.",
            ),
            Row(
                "M6",
                "somebody is unknown in the chat, has left, or the chat does not say",
                "Nobody is guessed: listed with the reason, told on their own ticket where the rule says so; asked again later.",
            ),
        ),
    ),
)
ROWS = MappingProxyType({row.name: row for chapter in CHAPTERS for row in chapter.rows})

# Rows that are held elsewhere too, where the parts they are about have their tests: `file::test`, under tests/.
ELSEWHERE = MappingProxyType(
    {
        "I6": ("cli/test_secrets.py::test_no_secret_reaches_a_log_the_database_a_ticket_or_a_message",),
        "P1": (
            "chaos/test_points.py::test_who_dies_at_a_point_loses_nothing_and_doubles_nothing",
            "chaos/test_points.py::test_who_dies_on_postgres_loses_nothing_and_doubles_nothing",
            "chaos/test_kills.py::test_daemons_killed_at_work_lose_nothing_and_double_nothing",
            "chaos/test_kills.py::test_daemons_killed_at_work_on_postgres_lose_nothing_and_double_nothing",
            "chaos/test_seeds.py::test_seeded_chaos_on_sqlite_loses_and_doubles_nothing",
            "chaos/test_seeds.py::test_seeded_chaos_on_postgres_loses_and_doubles_nothing",
        ),
        "D2": (
            "usecases/test_restoring.py::test_nothing_is_sent_while_the_disk_is_nearly_full",
            "store/test_backups.py::test_a_full_disk_loses_the_transaction_and_nothing_else",
            "web/test_end_to_end.py::test_a_store_that_fails_makes_senders_come_again_and_the_inbox_goes_on",
        ),
        "D3": (
            "store/test_backups.py::test_a_damaged_store_is_told_with_the_remedy",
            "usecases/test_restoring.py::test_a_lost_store_is_rebuilt_without_sending_anything_again",
        ),
        "D4": ("usecases/test_restoring.py::test_an_old_backup_makes_no_duplicates_and_what_is_new_is_sent",),
        "Q3": ("usecases/test_sweeping.py::test_a_record_that_was_lost_is_found_by_the_sweep",),
        "X10": (
            "cli/test_secrets.py::test_no_secret_reaches_a_log_the_database_a_ticket_or_a_message",
            "config/test_config.py::test_what_was_resolved_and_what_looks_like_a_token_is_left_out_of_texts",
        ),
        "A2": (
            "usecases/test_sweeping.py::test_rows_that_vanish_with_the_rights_to_see_them_are_not_deletions",
            "usecases/test_sweeping.py::test_many_rows_at_once_do_not_vanish_by_themselves",
        ),
        "L1": (
            "usecases/test_sweeping.py::test_an_issue_that_moved_is_followed_and_nothing_is_done_for_it_twice",
            "usecases/test_sweeping.py::test_an_issue_that_moved_out_of_sight_is_followed_by_its_id",
        ),
        "M1": (
            "telling/test_digests.py::test_a_lost_answer_to_a_digest_is_found_again_for_all_of_it",
            "telling/test_digests.py::test_a_digest_that_certainly_was_not_sent_is_sent_again_whole",
            "telling/test_digests.py::test_a_person_who_confirms_a_digest_confirms_all_of_it",
        ),
        "M2": (
            "telling/test_digests.py::test_a_process_that_dies_between_sending_and_noting_sends_nothing_twice",
            "telling/test_digests.py::test_a_process_that_dies_after_gathering_leaves_nothing_unsent",
        ),
        "M3": ("telling/test_digests.py::test_one_that_is_refused_parks_itself_alone",),
        "M4": ("telling/test_digests.py::test_two_processes_share_a_message_out_only_once",),
        "M5": (
            "telling/test_answers.py::test_a_roll_back_is_told_to_those_who_were_told_and_a_new_delivery_again",
            "telling/test_answers.py::test_what_was_not_told_yet_when_it_was_rolled_back_is_never_told",
        ),
        "M6": (
            "telling/test_gate.py::test_a_stranger_is_listed_and_never_guessed",
            "telling/test_gate.py::test_who_left_is_shown_and_not_written_to",
            "telling/test_gate.py::test_while_the_chat_does_not_answer_nobody_counts_as_unknown",
            "telling/test_gate.py::test_a_customer_outside_the_chat_reads_it_on_their_own_ticket_once",
        ),
        "L2": ("usecases/test_sweeping.py::test_a_deleted_record_is_gone_and_told_once_on_the_other_side",),
        "C1": ("mirror/test_two_sides.py::TestTwoSides",),
    }
)

# What is not held, and why. A row leaves this list by getting a test.
OPEN: Mapping[str, str] = MappingProxyType({})
