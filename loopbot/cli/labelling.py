"""`loopbot labels`: teach loopbot what kinds of feedback there are, see how well it knows them, choose a version."""

import csv
import difflib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.failures import DONE
from loopbot.cli.opening import console, opened, print_table
from loopbot.domain.errors import UserError
from loopbot.domain.phrasing import ago
from loopbot.domain.texts import clean, listed
from loopbot.domain.words import TOPICS

if TYPE_CHECKING:
    from loopbot.ports import LabelRow

MOST_BYTES = 50_000_000
MOST_CHARACTERS = 100_000
SHOWN = 20
_COLUMNS = ("text", "topic")
_OPTIONAL = ("title", "project")


def import_labels(config: Path, file: Path, *, as_json: bool) -> int:
    """Take in a CSV file whole, or, where anything in it is wrong, not at all."""
    with opened(config, remote=False) as here:
        rows = read_labels(file, here.config.topics.words)
        with here.store.write() as tx:
            new, changed = tx.labels.put(rows)
    if as_json:
        _print_json({"rows": len(rows), "new": new, "changed": changed, "topics": Counter(one.topic for one in rows)})
        return DONE
    out = console()
    same = len(rows) - new - changed
    out.print(
        f"{len(rows)} labels read: {new} new, {changed} with another topic than before, {same} known.", markup=False
    )
    out.print("Learn from them: loopbot labels train", markup=False)
    return DONE


def train_labels(config: Path, *, use: bool | None, as_json: bool) -> int:
    """Learn a new version, and say how good it is."""
    from loopbot.usecases.topics import train

    out = console()
    with opened(config, remote=False) as here:
        done = train(here.loop, lambda what: None if as_json else out.print(f"  {what} …", style="dim"), at_once=use)
        with here.store.read() as tx:
            in_force = here.loop.shelf.in_force(tx).stack.version if here.loop.shelf else "shipped"
    if as_json:
        _print_json(
            {
                "version": done.version,
                "in_force": in_force,
                "topics": done.topics,
                "projects": done.projects,
                "learnt": {"macro_f1": done.learnt.macro_f1, "right": done.learnt.right},
                "shipped": {"macro_f1": done.shipped.macro_f1, "right": done.shipped.right},
            }
        )
        return DONE
    counts = listed(f"{count} {topic}" for topic, count in sorted(done.topics.items()))
    out.print(f"Learnt version {done.version} from {done.learnt.labels} labels: {counts}.", markup=False)
    out.print(f"  learnt   {done.learnt.said}  (on labels it had not seen)", markup=False)
    out.print(f"  shipped  {done.shipped.said}", markup=False)
    if in_force == done.version:
        out.print("It is in force. To go back: loopbot judgement reset --of topic", markup=False)
    else:
        why = "" if done.better else "It does no better than what ships, so it is not in force. "
        out.print(f"{why}To use it: loopbot judgement use {done.version}", markup=False)
    return DONE


def evaluate_labels(config: Path, file: Path | None, *, as_json: bool) -> int:
    """Say how well each version does on a file of labels, or, without one, on all labels by leaving parts out."""
    from loopbot.judgement.topic_answers import known_labels
    from loopbot.usecases.topics import evaluated, left_out

    with opened(config, remote=False) as here:
        if file is not None:
            found = list(evaluated(here.loop, read_labels(file, here.config.topics.words)))
        else:
            with here.store.read() as tx:
                rows = known_labels(tx)
            found = list(left_out(rows, here.loop.shelf.encoder if here.loop.shelf else None))
    if as_json:
        _print_json({name: {"labels": one.labels, "macro_f1": one.macro_f1, "right": one.right} for name, one in found})
        return DONE
    out = console()
    for name, one in found:
        out.print(f"{name:<16} {one.labels} labels: {one.said}", markup=False)
    return DONE


def list_labels(config: Path, *, as_json: bool) -> int:
    """Say what labels there are, and which versions were learnt from them."""
    from rich.table import Table
    from rich.text import Text

    from loopbot.judgement.topic_answers import known_labels
    from loopbot.judgement.versions import SHIPPED
    from loopbot.usecases.topics import KIND

    with opened(config, remote=False) as here, here.store.read() as tx:
        rows, versions = known_labels(tx), tx.models.all(KIND)
        in_force = here.loop.shelf.in_force(tx).stack.version if here.loop.shelf else SHIPPED
        missing = here.loop.shelf.missing(tx) if here.loop.shelf else ""
    if as_json:
        kept = [
            {"version": one.version, "at": one.at, "labels": one.labels, "quality": one.summary} for one in versions
        ]
        _print_json(
            {"labels": Counter(one.topic for one in rows), "versions": kept, "in_force": in_force, "total": len(rows)}
            | ({"without": missing} if missing else {})
        )
        return DONE
    out = console()
    if rows:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in ("project", *TOPICS):
            table.add_column(name)
        for project, counts in _counted(rows).items():
            table.add_row(Text(project or "-"), *(str(counts[topic]) for topic in TOPICS))
        print_table(out, table)
    else:
        out.print("No labels yet. Import some: loopbot labels import FILE.csv", markup=False)
    out.print("")
    for name, said in [
        (SHIPPED, "what loopbot comes with"),
        *((v.version, f"{ago(v.at)}, {v.labels} labels: {v.summary}") for v in versions),
    ]:
        out.print(f"{'→' if name == in_force else ' '} {name:<14} {said}", markup=False)
    if missing:
        why = f"{in_force} was learnt with {missing} as well, which is not used here: it judges by words alone."
        out.print(f"\n{why} To use it, set use = true under [meaning].", markup=False)
    return DONE


def use_version(config: Path, version: str) -> int:
    """Judge by another version, at once and for what is mirrored as well."""
    from loopbot.usecases.topics import put_in_force

    with opened(config, remote=False) as here:
        changed = put_in_force(here.loop, version)
    console().print(f"Version {version} is in force; {changed} pieces of feedback were judged again.", markup=False)
    console(errors=True).print(f"The same for all judgements: loopbot judgement use {version} --of topic", markup=False)
    return DONE


def read_labels(file: Path, words: Mapping[str, str]) -> "list[LabelRow]":
    """The rows of a CSV file with the columns text, topic and, if it has them, title and project.

    `words` are further words for topics. Raises UserError, or a group of them: each says file, row and column.
    """
    from loopbot.ports import LabelRow

    reader = csv.reader(io.StringIO(_content(file)), strict=True)
    known = {**words, **{topic: topic for topic in TOPICS}}
    mistakes: list[UserError] = []
    rows: list[LabelRow] = []
    names: list[str] = []
    try:
        for number, cells in enumerate(_lines(reader), start=1):
            if not names:
                names = _header(file, cells)
                continue
            row = dict(zip(names, cells, strict=False))
            where = f"{file}, row {number}"
            problem = _problem(where, cells, names, row, known)
            if problem is not None:
                mistakes.append(problem)
                continue
            topic = known[row["topic"].strip().lower()]
            title, text, project = (clean(row.get(name, "")).strip() for name in ("title", "text", "project"))
            rows.append(LabelRow(title, text, topic, project, file.name))
    except csv.Error as error:
        hint = "quote cells that hold commas, quotes or line breaks; double a quote inside of quotes"
        mistakes.append(UserError(f"{file}, line {reader.line_num}", f"is not CSV: {error}", hint))
    if mistakes:
        more = len(mistakes) - SHOWN
        if more > 0:
            mistakes = [*mistakes[:SHOWN], UserError(str(file), f"has {more} more mistakes", "nothing was imported")]
        raise mistakes[0] if len(mistakes) == 1 else ExceptionGroup("there are mistakes", mistakes)
    if not rows:
        raise UserError(str(file), "holds no labels", "write a header row (text,topic) and one row for each label")
    return rows


def _content(file: Path) -> str:
    try:
        if not file.is_file():
            raise UserError(str(file), "is not a file", "name a CSV file")
        if file.stat().st_size > MOST_BYTES:
            raise UserError(str(file), "is larger than 50 MB", "split it; a few hundred labels teach most of it")
        return file.read_bytes().decode("utf-8-sig").replace("\0", "")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}, byte {error.start}", "is not UTF-8", "save it as CSV UTF-8") from None
    except OSError as error:
        raise UserError(str(file), f"can not be read: {error.strerror}") from None


def _lines(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    csv.field_size_limit(MOST_BYTES)
    return (cells for cells in reader if any(cell.strip() for cell in cells))


def _header(file: Path, cells: Sequence[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for wanted in _COLUMNS:
        if wanted not in names:
            near = difflib.get_close_matches(wanted, names, n=1)
            hint = (
                f'is "{near[0]}" meant?'
                if near
                else "the first row names the columns: text, topic, and if you like title and project"
            )
            raise UserError(f"{file}, row 1", f'has no column "{wanted}"', hint)
    twice = next((name for name in (*_COLUMNS, *_OPTIONAL) if names.count(name) > 1), None)
    if twice:
        raise UserError(f"{file}, row 1", f'has the column "{twice}" twice', "keep one of them")
    return names


def _problem(
    where: str, cells: Sequence[str], names: Sequence[str], row: Mapping[str, str], known: Mapping[str, str]
) -> UserError | None:
    if len(cells) != len(names):
        return UserError(where, f"has {len(cells)} cells, the header has {len(names)}", "is a comma not in quotes?")
    topic = row["topic"].strip().lower()
    if topic not in known:
        near = difflib.get_close_matches(topic, known, n=1)
        hint = (
            f"did you mean {near[0]}?"
            if near
            else "known: " + ", ".join(TOPICS) + "; further words: [topics] words in the configuration"
        )
        return UserError(f"{where}, column topic", f'"{topic[:60]}" is no topic' if topic else "is empty", hint)
    if not row["text"].strip() and not row.get("title", "").strip():
        return UserError(f"{where}, column text", "is empty", "a label needs a text or a title")
    if max(map(len, cells)) > MOST_CHARACTERS:
        return UserError(where, "holds more than 100,000 characters in one cell", "is a quote not closed?")
    return None


def _counted(rows: "Sequence[LabelRow]") -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for one in rows:
        found.setdefault(one.project, Counter())[one.topic] += 1
    return dict(sorted(found.items()))


def _print_json(value: Mapping[str, object]) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=dict).decode())
