"""What the gallery shows: people of a small shop ask, press, fill in; and what loopbot says by itself."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from connectors.slack import blocks, speaking
from loopbot.domain.forms import Filled, Form, Wrong
from loopbot.domain.messages import Shared
from loopbot.domain.records import Article, Deployment, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.speech import Context, Heard, say
from loopbot.language.loader import load_rules
from loopbot.store import open_store
from loopbot.usecases.absorb import absorb
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop
from loopbot.wiring import starter_rules
from tests.conversation.conftest import MARA_IN_CHAT, OPS, PLACES, ROLES, TOM, incident, shop
from tests.gallery.asking import asking
from tests.gallery.shown import Shown, shown, view, whispered
from tests.gallery.worded import worded
from tests.support.clock import FakeClock
from tests.support.made import at
from tests.support.systems import FakeSink

HOSTILE = "<!channel> <https://evil.example|https://bank.example> *bold* `code` \u202egnp.exe \u05e9\u05dc\u05d5\u05dd \U0001f4a5 &amp; "


_ARTICLE = Article(
    ref=Ref("servicenow", "article", "KB0010001-1"),
    ident="1",
    title="Export orders to Excel or CSV",
    text="Open Orders and choose a period.\nPress Export and choose Excel.\nA year at most is exported at once; "
    + HOSTILE,
    state="published",
    updated_at=at(0),
    number="KB0010001",
    url="https://it.example.com/kb_view.do?sysparm_article=KB0010001",
)


def scenes() -> Iterator[Shown]:
    """Every one of them, from an empty desk to a hostile ticket."""
    with _desk() as talk:
        for command, person in (
            ("status inc 12345", TOM),
            ("status INC0012345", MARA_IN_CHAT),
            ("why INC0012345", TOM),
            ("status PRB0000001", TOM),
            ("status github:deployment:78", TOM),
            ("mine", MARA_IN_CHAT),
            ("queue", TOM),
            ("recurring", TOM),
            ("release", TOM),
            ("dora", TOM),
            ("loop", TOM),
            ("link INC0020000 CHG0000042", TOM),
            ("ack INC0012346 we look into it", TOM),
            ("follow INC0012345", MARA_IN_CHAT),
            ("mute 3 days", MARA_IN_CHAT),
            ("feedback It would be great to export to Parquet", MARA_IN_CHAT),
            ("report Export locks the orders table", MARA_IN_CHAT),
            ("ask how do I export orders to Excel?", MARA_IN_CHAT),
            ("ask where do I park my bicycle?", MARA_IN_CHAT),
            ("status INC0012354", TOM),
            ("notices", MARA_IN_CHAT),
            ("same INC0012345 INC0012346", OPS),
            ("staus INC0012345", TOM),
            ("folow INC0012345", TOM),
            ("flibbertigibbet", MARA_IN_CHAT),
            ("stuck", OPS),
            ("stuck", MARA_IN_CHAT),
            ("help", OPS),
            ("status INC0066666", MARA_IN_CHAT),
        ):
            yield whispered(f"/loop {command}", person, talk.command(person, command))
        yield from _forms(talk)
        yield view(
            "The home tab", f"for {MARA_IN_CHAT.name}, who reported something", speaking.home(talk.home(MARA_IN_CHAT))
        )
        yield view("The home tab", f"for {OPS.name}, an operator", speaking.home(talk.home(OPS)))
        lines = talk.link_shared(TOM, ["https://it.example.com/INC0012345", "https://it.example.com/INC0066666"])
        for url, line in lines.items():
            yield shown("An address in a channel", url, speaking.block_kit([Context(line)]))
        yield from _by_itself()
    yield from worded()
    yield from asking()


def _forms(talk: Conversation) -> Iterator[Shown]:
    message = Heard(
        "slack", "T1/C1", "17.5", "The export hangs again, " + HOSTILE, MARA_IN_CHAT, "https://slack.example/p1"
    )
    for callback, by in (
        ("feedback", "This is feedback"),
        ("incident", "Report as incident"),
        ("attach", "Link to a ticket"),
    ):
        form = talk.shortcut(TOM, callback, message)
        assert isinstance(form, Form)
        yield view(f"The shortcut “{by}”", "on a message", speaking.modal(form))
        filled = Filled(callback, {"words": "The export hangs", "title": "Export locks the orders table", "ticket": "INC0012345"}, context=form.context)  # fmt: skip
        said = talk.submitted(TOM, filled)
        assert not isinstance(said, Wrong)
        yield view(f"The shortcut “{by}”", "once it is sent", speaking.answer_view(form.title, said))
    yield view("A form that takes long", "while the store is busy", speaking.answer_view("Feedback", say("This takes a moment longer than usual; it is being noted.")))  # fmt: skip


def _by_itself() -> Iterator[Shown]:
    """Messages that effects become, as their rules word them."""
    asked = 'What you reported on 2026-03-02 is fixed in production: "The export hangs at 80 percent"\nDoes it work for you? (INC0012345)'
    buttons = (("yes", "Yes, it works"), ("no", "Still broken"))
    told = blocks.message(asked, key="k", buttons=buttons)["blocks"]
    yield shown("Fixed where you use it", "told by a rule", told)
    answer = speaking.note(say("Good. It counts as fixed for you."))
    yield shown("Fixed where you use it", "once it is answered", blocks.answered(told, blocks.ANSWERS, answer))
    parts = [_fix(key, title) for key, title in (("INC0012345", "The export hangs at 80 percent"), ("INC0012351", "Orders are missing"), ("INC0012352", HOSTILE.strip()))]  # fmt: skip
    several = [*parts, blocks.Part("d", 'Your report has arrived: "The basket is empty" (INC0012399)')]
    digest = blocks.together(several, "News about 4 things you reported or follow:")["blocks"]
    yield shown("Several reports fixed by one delivery", "told in one message", digest)
    one_said = blocks.answered(digest, f"{blocks.ANSWERS}:INC0012345", answer)
    yield shown("Several reports fixed by one delivery", "once one of them is answered", one_said)
    arrived = 'Your report has arrived: "The export hangs at 80 percent"\nThis may help until it is fixed: Run the export after 22:00.\nDid it? You hear either way when it is fixed where you use it. (INC0012345)'
    yield shown("A report is acknowledged", "told by a rule", blocks.message(arrived, key="k", buttons=(("yes", "That helped"), ("no", "It did not")))["blocks"])  # fmt: skip
    written = 'Your report has arrived: "How do I export orders?"\nThis may help until it is fixed: Export orders to Excel or CSV\nPress Export and choose Excel.\nhttps://it.example.com/kb_view.do?sysparm_article=KB0010001\nDid it? You hear either way when it is fixed where you use it. (INC0012345)'
    yield shown("A report is acknowledged", "with an article", blocks.message(written, key="k", buttons=(("yes", "That helped"), ("no", "It did not")))["blocks"])  # fmt: skip
    yield shown("A text of 40,000 characters", "cut, and saying so", blocks.message(HOSTILE * 300)["blocks"][-1:])


def _fix(key: str, title: str) -> blocks.Part:
    buttons = (("yes", "Yes, it works"), ("no", "Still broken"))
    lead = "Fixed in production since 3 Mar 2026, 09:12 UTC, of what you reported:"
    line = f'"{title}" ({key}), reported on 2 Mar 2026, 14:05 UTC'
    return blocks.Part(key, f"What you reported is fixed: {title}", buttons, shared=Shared(lead, line))


@contextmanager
def _desk() -> Iterator[Conversation]:
    with tempfile.TemporaryDirectory() as folder:
        clock = FakeClock(at(240))
        store = open_store(f"sqlite:///{Path(folder) / 'loop.db'}", clock=clock)
        sinks = {"servicenow": FakeSink(), "slack": FakeSink("slack"), "jira": FakeSink("jira")}
        loop = Loop(store, Rulebook(load_rules(starter_rules()).rules), sinks, clock, "one")  # type: ignore[arg-type]
        with store.write() as tx:
            absorb(loop, tx, shop())
            [staged] = tx.mirror.find("77")
            assert isinstance(staged, Deployment)
            live = replace(staged.ref, key="78")
            delivers = replace(staged.links[0], source=live)
            absorb(
                loop,
                tx,
                [
                    replace(
                        staged, ref=live, ident="78", environment="production", finished_at=at(60), links=(delivers,)
                    )
                ],
            )
            absorb(loop, tx, [_ARTICLE])
            absorb(loop, tx, [incident(66666, title=HOSTILE * 40, text=HOSTILE * 400, opened_at=at(-30))])
            [fixed] = tx.mirror.find("INC0012346")
            absorb(
                loop, tx, [replace(fixed, state="resolved", opened_at=at(70), resolved_at=at(180), updated_at=at(181))]
            )  # type: ignore[call-arg]
        talk = Conversation(loop, ROLES, PLACES)
        clock.sleep(timedelta(minutes=1).total_seconds())
        talk.command(TOM, "link INC0012346 github:deployment:78")
        yield talk
        store.close()
