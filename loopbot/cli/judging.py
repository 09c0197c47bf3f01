"""`loopbot judgement`: what the judgements have learnt here, learning anew, and going back."""

from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.failures import DONE, TROUBLE
from loopbot.cli.opening import console, opened, print_table
from loopbot.domain.errors import UserError
from loopbot.domain.phrasing import ago, counted

if TYPE_CHECKING:
    from loopbot.ports import Tx

LEARNING = {"cause": "answer", "recurrence": "answer", "topic": "label"}
"""The judgements that learn here, and what they learn from."""
_WHAT = {"cause": "Suspects", "recurrence": "Recurring tickets"}


def show_models(config: Path, *, as_json: bool) -> None:
    """Each model that was learnt here, and which one of each judgement is in use."""
    from dataclasses import asdict
    from datetime import datetime

    from loopbot.judgement.versions import SHIPPED, chosen, in_use, listed

    with opened(config, remote=False) as here, here.store.read() as tx:
        found = {name: (listed(tx, name), in_use(tx, name)) for name in LEARNING}
        held = [name for name in LEARNING if chosen(tx, name)]
    if as_json:
        import orjson

        told = {
            name: {"in_use": used, "chosen": name in held, "learnt": [asdict(one) for one in learnt]}
            for name, (learnt, used) in found.items()
        }
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "judgement", "version", "learnt", "from", ""):
        table.add_column(name)
    for name, (learnt, used) in found.items():
        table.add_row("→" if used == SHIPPED else "", name, SHIPPED, "", "", "the model that comes with loopbot")
        for one in learnt:
            mark, when = "→" if one.version == used else "", ago(datetime.fromisoformat(one.at))
            table.add_row(mark, name, one.version, when, counted(one.answers, LEARNING[name]), one.note)
    print_table(console(), table)
    for name in held:
        console().print(f"{name}: a person chose {found[name][1]}. {_held(name)}", markup=False)


def follow(config: Path, judgement: str) -> None:
    """Let what is learnt from now on be used again, in the place of what a person chose."""
    from loopbot.judgement.versions import follow as followed
    from loopbot.judgement.versions import in_use

    if judgement not in _WHAT:
        raise UserError(judgement, "is not learnt without being asked", "known: " + ", ".join(_WHAT))
    with opened(config, remote=False) as here, here.store.write() as tx:
        followed(tx, judgement)
        used = in_use(tx, judgement)
    told = f"{_WHAT[judgement]} are judged by {used} until something is learnt that does no worse."
    console().print(f"{told} To learn at once: loopbot judgement learn", markup=False)


def _held(judgement: str) -> str:
    """What a choice means, and how to take it back."""
    return (
        f"What is learnt is kept and not used. To let it be used where it does no worse: "
        f"loopbot judgement follow --of {judgement}"
    )


def learn(config: Path) -> int:
    """Learn from what people answered and linked, in this process, and say what came of it."""
    from loopbot.usecases import learning

    with opened(config, remote=False) as here:
        lessons = learning.learn(here.loop)
    for lesson in lessons:
        name = f"Model {lesson.learnt.version}" if lesson.learnt else "Nothing was learnt"
        told = "is in use" if lesson.used else "is not used"
        said = f"{name} {told}: {lesson.why}." if lesson.learnt else f"{name}: {lesson.why}."
        console().print(f"{lesson.judgement}: {said}", markup=False)
        if lesson.held:
            console().print(_held(lesson.judgement), markup=False)
    return DONE if any(lesson.used for lesson in lessons) else TROUBLE


def use_model(config: Path, version: str, judgement: str = "") -> None:
    """Judge by another model from now on: of that judgement, or of the one that learnt it; `shipped` alone is that of causes."""
    from loopbot.judgement.versions import choose
    from loopbot.usecases.topics import put_in_force

    with opened(config, remote=False) as here:
        with here.store.read() as tx:
            name = _judgement_of(tx, version, judgement)
        if name == "topic":
            changed = put_in_force(here.loop, version)
            told = f"Kinds of feedback are judged by {version} from now on; {changed} pieces of feedback were judged again."
        else:
            with here.store.write() as tx:
                choose(tx, name, version)
            told = f"{_WHAT[name]} are judged by {version} from now on. {_held(name)}"
    console().print(told, markup=False)


def _judgement_of(tx: "Tx", version: str, judgement: str) -> str:
    from loopbot.judgement.versions import SHIPPED, listed

    if judgement and judgement not in LEARNING:
        raise UserError(judgement, "is not a judgement that learns", "known: " + ", ".join(LEARNING))
    wanted = [judgement] if judgement else list(LEARNING)
    known = {name: [SHIPPED, *(one.version for one in listed(tx, name))] for name in wanted}
    for name, versions in known.items():
        if version in versions:
            return name
    told = "; ".join(f"{name}: {', '.join(versions)}" for name, versions in known.items())
    raise UserError(version, "is not a model that was learnt here", f"known: {told}")
