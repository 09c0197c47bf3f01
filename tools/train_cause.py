"""Makes the model of suspects that ships with loopbot: `python -m tools.train_cause ../shared/data`.

Takes about four minutes of a processor. The same files give the same model: nothing is drawn that has no fixed seed. The model holds
a few dozen numbers for general features, and nothing of the texts it was fitted on.
"""

import sys
from pathlib import Path

from loopbot.judgement import cause_model
from loopbot.judgement.cause_training import fit
from loopbot.judgement.evaluation.archive import growing_store, read_archive
from loopbot.judgement.evaluation.cause import gather, outspoken

TARGET = Path(cause_model.__file__).parent / cause_model.SHIPPED


def main(data: Path) -> None:
    """Fit on every ticket whose cause is known, and write the model into the package."""
    archive = read_archive([data])
    known = [one for one in archive.known(archive.causes) if one.causes]
    told = outspoken(archive)
    with growing_store(archive) as growing:
        tickets = sorted([*known, *told], key=lambda one: (one.ticket.occurred_at, one.ticket.ref))
        seen = gather(growing, tickets, _told)
    model = fit(
        [seen[one.ticket.key].masked for one in (*known, *told)], [seen[one.ticket.key].unmasked for one in known]
    )
    TARGET.write_text(model.dumped(), encoding="utf-8")
    _told(f"{TARGET.name}: version {model.version}, from {len(known)} known and {len(told)} outspoken causes")


def _told(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
