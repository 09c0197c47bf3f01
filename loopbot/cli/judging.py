"""`loopbot judgement`: what the judgements have learnt here, learning anew, and going back."""

from pathlib import Path

from loopbot.cli.failures import DONE, TROUBLE
from loopbot.cli.opening import console, opened, print_table
from loopbot.domain.errors import UserError
from loopbot.domain.phrasing import ago, counted


def show_models(config: Path, *, as_json: bool) -> None:
    """Each model that was learnt here, and which one is in use."""
    from dataclasses import asdict
    from datetime import datetime

    from loopbot.judgement.cause import JUDGEMENT
    from loopbot.judgement.versions import SHIPPED, in_use, listed

    with opened(config, remote=False) as here, here.store.read() as tx:
        learnt, used = listed(tx, JUDGEMENT), in_use(tx, JUDGEMENT)
    if as_json:
        import orjson

        found = {"judgement": JUDGEMENT, "in_use": used, "learnt": [asdict(one) for one in learnt]}
        print(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "cause", "learnt", "from", ""):
        table.add_column(name)
    table.add_row("→" if used == SHIPPED else "", SHIPPED, "", "", "the model that comes with loopbot")
    for one in learnt:
        mark = "→" if one.version == used else ""
        table.add_row(mark, one.version, ago(datetime.fromisoformat(one.at)), counted(one.answers, "answer"), one.note)
    print_table(console(), table)


def learn(config: Path) -> int:
    """Learn from what people answered and linked, in this process, and say what came of it."""
    from loopbot.usecases.learning import learn_causes

    with opened(config, remote=False) as here:
        lesson = learn_causes(here.loop)
    name = f"Model {lesson.learnt.version}" if lesson.learnt else "Nothing was learnt"
    told = "is in use" if lesson.used else "is not used"
    console().print(f"{name} {told}: {lesson.why}." if lesson.learnt else f"{name}: {lesson.why}.", markup=False)
    return DONE if lesson.used else TROUBLE


def use_model(config: Path, version: str) -> None:
    """Judge by another model from now on."""
    from loopbot.judgement.cause import JUDGEMENT
    from loopbot.judgement.versions import SHIPPED, listed, use

    with opened(config, remote=False) as here, here.store.write() as tx:
        if not use(tx, JUDGEMENT, version):
            known = ", ".join([SHIPPED, *(one.version for one in listed(tx, JUDGEMENT))])
            raise UserError(version, "is not a model that was learnt here", f"known: {known}")
    console().print(f"Suspects are judged by {version} from now on.", markup=False)
