"""What kind of feedback people said that something is: what the kinds of feedback are learnt from here."""

from collections.abc import Iterable

from loopbot.domain.records import Feedback
from loopbot.judgement.topic import project_of
from loopbot.judgement.topic_learning import Example
from loopbot.judgement.topic_model import read
from loopbot.judgement.topic_training import Label
from loopbot.ports import LabelRow, Tx


def known_labels(tx: Tx) -> list[LabelRow]:
    """Every label there is: imported ones, people's answers, and feedback whose own system says what it is."""
    taught = {one.subject: one.other for one in tx.lessons.all("topic") if one.verdict == "yes"}
    found = {(one.project, one.title, one.text): one for one in tx.labels.all()}
    for record in tx.mirror.all("feedback"):
        topic = taught.get(record.ref) or (record.topic if isinstance(record, Feedback) else None)
        if topic and isinstance(record, Feedback) and (record.title or record.text):
            source = "an answer" if record.ref in taught else f"{record.system}'s own field"
            row = LabelRow(record.title, record.text, topic, project_of(record), source)
            found[row.project, row.title, row.text] = row
    return [found[key] for key in sorted(found)]


def labelled(rows: Iterable[LabelRow]) -> list[Label]:
    """The rows, read."""
    return [Label(Example(read(one.title, one.text), one.topic), one.project) for one in rows]
