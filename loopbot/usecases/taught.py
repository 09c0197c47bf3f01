"""What people said about records stands for good, whatever the record's own system says of it later."""

from collections.abc import Sequence
from dataclasses import replace

from loopbot.domain.records import Feedback, Record
from loopbot.ports import Tx


def with_what_people_said(tx: Tx, records: Sequence[Record]) -> list[Record]:
    """The records, feedback with the topic that a person gave it."""
    feedback = {one.ref for one in records if isinstance(one, Feedback)}
    topics = {one.subject: one.other for one in tx.lessons.of("topic", feedback)} if feedback else {}
    return [
        replace(one, topic=topics[one.ref]) if isinstance(one, Feedback) and one.ref in topics else one
        for one in records
    ]
