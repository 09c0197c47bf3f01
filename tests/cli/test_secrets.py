"""Secrets are planted everywhere; none may turn up in a log line, an error, the database, a ticket or a message."""

from typing import Any
from urllib.parse import quote_plus

import orjson
import pytest

from loopbot.sandbox.faults import Fault
from tests.support.dumps import dumped
from tests.support.town import ITEM, NOTE, SHOUT, Doors, Town

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


class Echo:
    """Refuses whatever it is asked, and quotes all of it: the headers with the credentials and the body of the OAuth client."""

    def __init__(self, status: int, form: str) -> None:
        self.status, self.form, self.quoted = status, form, ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"").decode("utf-8", "replace")
        headers = " ".join(value.decode("latin-1") for name, value in scope["headers"] if name != b"host")
        # The credentials stand first, and so within what is kept of a reason.
        told = f"{body} {headers}" if "secret=" in body else f"{headers} {body}"
        self.quoted += told
        refusal = {
            "error": {"message": told},
            "errorMessages": [told],
            "message": told,
            "ok": False,
            "response_metadata": {"messages": [told]},
        }
        page = orjson.dumps(refusal) if self.form == "json" else told.encode()
        kind = b"application/json" if self.form == "json" else b"text/plain"
        # Nobody tries again within the command: what is asked here is what is said, not how often.
        head = [(b"content-type", kind), (b"retry-after", b"30")]
        await send({"type": "http.response.start", "status": self.status, "headers": head})
        await send({"type": "http.response.body", "body": page})


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("status", [200, 401, 500])
def test_a_system_that_quotes_our_credentials_in_its_refusals_does_not_bring_them_further(
    town: Town, doors: Doors, status: int, form: str
) -> None:
    """I6: also from where OAuth tokens come; in the form they were sent in, too."""
    password = f'password = "file:{town.folder / "servicenow.secret"}"'
    (town.folder / "oauth.secret").write_text("Kp9/own+client=password", encoding="utf-8")
    client = f'client_id = "me"\nclient_secret = "file:{town.folder / "oauth.secret"}"'
    town.change(('user = "loopbot"\n' + password, client))
    town.rule("shout", SHOUT)
    own = [path.read_text(encoding="utf-8").strip() for path in town.folder.glob("*.secret")]
    echoes = [Echo(status, form) for _ in doors.doors]
    for door, echo in zip(doors.doors.values(), echoes, strict=True):
        door.app = echo
    said = [town.says(*words) for words in (("once", "-v"), ("check",), ("check", "--json"), ("outbox", "list"))]
    shown = "".join(one.out + one.err for one in said) + database(town)
    quoted = "".join(echo.quoted for echo in echoes)
    assert quote_plus("Kp9/own+client=password") in quoted, "the OAuth client was asked for"
    for secret in own:
        if len(secret) >= 6:
            assert secret not in shown
            assert quote_plus(secret) not in shown
    for word in {word for word in quoted.split() if len(word) > 30 and "=" in word[-2:]}:
        assert word not in shown, "what follows Basic"
