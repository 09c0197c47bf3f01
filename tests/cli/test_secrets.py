"""Secrets are planted everywhere; none may turn up in a log line, an error, the database, a ticket or a message."""

from loopbot.sandbox.faults import Fault
from tests.support.dumps import dumped
from tests.support.town import ITEM, NOTE, SHOUT, Town

# Put together here, so that nothing takes this file for a leak.
PASTED = ("gh" + "p_0123456789abcdefghijABCDEFGHIJ012345", "xox" + "b-1234567890-planted-in-a-ticket")
QUOTED = "AKIA" + "IOSFODNN7EXAMPLE"


def database(town: Town) -> str:
    return "\n".join(dumped(town.folder / "loopbot.db"))


def test_no_secret_reaches_a_log_the_database_a_ticket_or_a_message(town: Town) -> None:
    """X10, I6."""
    own = (town.folder / "jira.secret").read_text(encoding="utf-8")
    town.rule("note", NOTE)
    town.rule("item", ITEM)
    town.rule("shout", SHOUT.replace("{it.title}", "{it.title} {it.text}"))
    for pasted in PASTED:
        town.company.say("ines.moreau", f"It says {pasted}", f"I sent {pasted} and {own}.", "feature")
        town.company.report("jonas.weber", f"Login {pasted}", f"{own} fails", "Order Export", minutes_ago=3)
        town.company.change(f"Roll {pasted}", f"{own} was leaked: {pasted}", "Order Export", minutes_ago=2)
    before = len(town.estate.ledger.entries())
    refusal = f'{{"errorMessages": ["not with {QUOTED}"]}}'.encode()
    town.estate.jira.faults.add(Fault("status", match="POST /rest/api/./issue", times=9, status=400, body=refusal))
    said = town.says("once", "-v")
    looked = [town.says(*words) for words in (("outbox", "list"), ("outbox", "list", "--json"), ("check",), ("plan",))]
    ours = "\n".join(str(one.payload) for one in town.estate.ledger.entries()[before:])
    assert "[secret]" in ours, "something with a secret in it was written"
    for secret in (*PASTED, QUOTED, own):
        assert secret not in said.out + said.err
        assert not any(secret in one.out + one.err for one in looked)
        assert secret not in ours
    assert "not with [secret]" in looked[0].out + looked[1].out
    for secret in (*PASTED, QUOTED, own):
        assert secret not in database(town)
