"""What judging makes of repetitions: how many voices there are, and what is shown of each."""

from dataclasses import replace
from datetime import timedelta

from loopbot.domain.events import Changed
from loopbot.domain.judging import judge
from loopbot.domain.records import Involved, Person
from loopbot.domain.rules import Repeat
from loopbot.judgement.shipped import shipped_judgement
from loopbot.language.scene import Scene
from tests.judgement.test_forms import CALENDAR, PRINTER, filled_in, forms
from tests.judgement.test_recurrence import DAY, EXPORT, NOW, TIMEOUT, ticket
from tests.support.made import at
from tests.support.ruling import rule

RULE = rule("note", repeat=Repeat(at_least=3, within=timedelta(days=14), alike=0.15))


def test_the_plan_shows_each_member_how_sure_and_why() -> None:
    scene = Scene(at(0), {one.ref: one for one in (NOW, EXPORT, TIMEOUT)})
    (plan,) = judge(RULE, Changed(NOW, None), scene, shipped_judgement())
    step = next(each for each in plan.steps if "alike" in each.asked)
    assert step.held
    assert "INC1 at 2" in step.saw
    assert "both mention CSV, export and fails" in step.saw
    assert plan.effects


def test_one_person_who_sends_the_form_three_times_is_one_voice() -> None:
    mara = (Involved("reporter", Person("servicenow", "u1", "Mara")),)
    sent = [ticket(f"INC{n}", "The CSV export fails", n / DAY, people=mara) for n in range(3)]
    scene = Scene(at(0), {one.ref: one for one in sent})
    (plan,) = judge(RULE, Changed(sent[0], None), scene, shipped_judgement())
    assert not plan.effects
    days = [ticket(f"INC{n}", "The CSV export fails", n, people=mara) for n in range(3)]
    scene = Scene(at(0), {one.ref: one for one in days})
    (plan,) = judge(RULE, Changed(days[0], None), scene, shipped_judgement())
    assert plan.effects


def test_three_pains_that_come_in_one_form_open_nothing_and_one_that_comes_three_times_does() -> None:
    starter = replace(RULE, repeat=Repeat(at_least=3, within=timedelta(days=14), alike=0.25))
    around = forms(100)
    now = filled_in("INC9", 0, PRINTER)
    for others, opens in (((CALENDAR, CALENDAR), False), ((PRINTER, PRINTER), True)):
        earlier = [filled_in(f"INC{n}", n, pain) for n, pain in enumerate(others, 1)]
        scene = Scene(at(0), {one.ref: one for one in (now, *earlier, *around)})
        (plan,) = judge(starter, Changed(now, None), scene, shipped_judgement())
        assert bool(plan.effects) == opens
