"""Tickets that are a form filled in: what people wrote into it is compared, not the form."""

import random
from collections.abc import Sequence
from dataclasses import replace

from loopbot.domain.ranking import Judgement
from loopbot.domain.records import Incident, Record
from loopbot.domain.rules import Repeat
from loopbot.domain.scoring import Ranked
from loopbot.domain.wordings import Sought
from loopbot.judgement.forms import as_filled_in
from loopbot.judgement.nearness import Memory
from loopbot.judgement.recurrence import Recurrences
from loopbot.judgement.recurrence_answers import Told, sample_among
from loopbot.language.scene import Scene
from tests.judgement.test_recurrence import TWO_WEEKS, ticket
from tests.support.made import at

STARTER = replace(TWO_WEEKS, alike=0.25)
PAINS = (
    "VPN drops after ten minutes",
    "I can not open the payroll spreadsheet",
    "My badge does not open hall two",
    "Outlook asks for my password all day",
    "The projector stays black",
    "Calls have no sound on the headset",
    "The scanner sends empty files",
    "The laptop is very slow since the update",
    "The shared drive is read only",
    "The travel page of the intranet is missing",
)
WHERE = ("in the sales office", "on floor five", "at the customer's", "at home", "for the whole team", "since Monday")
PRINTER = "The printer on the second floor jams with every page.\nI restarted it twice."
CALENDAR = "The calendar shows all meetings an hour late.\nColleagues see the right time."


def filled_in(key: str, days: float, pain: str, title: str = "Request for help", seed: int = 0) -> Incident:
    chance = random.Random(f"{key} {seed}")
    text = f"""Hello,

Name: {chance.choice(("Mara Lind", "Ines Moreau", "Jonas Weber", "Aiko Tanaka", "Samuel Okoro"))}
Department: {chance.choice(("Sales", "Finance", "Legal", "Logistics"))}
Location: {chance.choice(("Lyon", "Berlin", "Porto"))}
Phone: 555 {chance.randint(1000, 9999)}
Affected device: {chance.choice(("laptop", "desktop", "phone"))}
Operating system: {chance.choice(("Windows 11", "macOS 14"))}
How many people are affected: {chance.choice(("only me", "my team", "the whole department can not work at all"))}
Have you restarted the device?: {chance.choice(("yes", "no"))}
What happens: {pain}
"""
    return ticket(key, title, days, text=text)


def forms(number: int) -> list[Incident]:
    pains = [f"{pain} {where}" for pain in PAINS for where in WHERE]
    return [filled_in(f"INC{1000 + each}", 1 + each / number, pains[each % len(pains)]) for each in range(number)]


def found(it: Record, others: Sequence[Record], repeat: Repeat = STARTER) -> dict[str, Ranked]:
    scene = Scene(at(0), {one.ref: one for one in (it, *others)})
    return {one.record.key: one for one in Judgement(repeats=Recurrences()).repeats.alike(it, scene, repeat)}


def test_two_pains_in_one_form_are_two_however_many_filed_it() -> None:
    for number in (10, 100, 400):
        around = [*forms(number), filled_in("INC1", 2, CALENDAR)]
        assert found(filled_in("INC9", 0, PRINTER), around) == {}


def test_one_pain_in_one_form_is_found_and_told_in_the_words_that_were_written_into_it() -> None:
    again = "Once more the printer on the second floor jams.\nEvery page gets stuck, restarting it changes nothing."
    alike = found(filled_in("INC9", 0, PRINTER), [*forms(100), filled_in("INC1", 2, again)])
    assert list(alike) == ["INC1"]
    (told,) = [one for one in alike["INC1"].because if one.startswith("both mention")]
    assert "jams" in told
    assert not any(word in told for word in ("Department", "affected", "device", "happens", "system"))


def test_a_storm_that_comes_through_a_form_is_one_pain() -> None:
    words = ("answers slowly", "takes a minute for each order", "is slow for all customers", "takes minutes")
    storm = [
        filled_in(f"INC{100 + each}", each / 1440, f"The checkout of the shop {words[each % 4]}") for each in range(80)
    ]
    assert len(found(storm[0], storm[1:])) >= 60
    same = [filled_in(f"INC{300 + each}", each / 1440, "The checkout of the shop answers slowly") for each in range(80)]
    assert len(found(same[0], same[1:])) == 79


def test_what_has_a_title_of_its_own_or_no_labels_is_compared_as_it_stands() -> None:
    sought = Sought(kinds=frozenset({"incident"}))
    telling = [filled_in(f"INC{each}", each, pain, title=pain) for each, pain in enumerate(PAINS)]
    near = Memory(telling).neighbours(telling[0], sought)
    assert as_filled_in(telling[0].text, near) is near
    plain = [ticket(f"INC{each}", "Request for help", each, text=pain) for each, pain in enumerate(PAINS)]
    near = Memory(plain).neighbours(plain[0], sought)
    assert as_filled_in(plain[0].text, near) is near


def test_what_people_say_of_forms_teaches_by_what_was_written_into_them() -> None:
    it, other = filled_in("INC9", 0, PRINTER), filled_in("INC1", 2, CALENDAR)
    near = Memory([*forms(40), other]).neighbours(it, Sought(kinds=frozenset({"incident"})))
    sample = sample_among(Told(it, frozenset(), frozenset({other.ref})), near, [other], frozenset())
    assert len(sample.rows) > 10
    assert all(measures.titles < 0.5 for measures in sample.rows)
