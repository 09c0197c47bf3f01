"""Unchanged rows of ServiceNow, from the answer's bytes to the comparison with the mirror."""

import random
from typing import Any

import orjson

from benchmarks.figures import Figure, Spent, best, spent
from benchmarks.ingesting import COUNT, ROUNDS, at_work, taken
from benchmarks.material import PAGE, Ready
from connectors.servicenow.mapping import Shape, shape
from connectors.servicenow.settings import Settings
from loopbot.domain.rulebook import Rulebook


def rows(count: int) -> list[dict[str, str]]:
    """Incidents as the Table API gives them, with every field the connector asks for."""
    chance = random.Random(1)
    return [
        {
            "sys_id": f"{number:032x}",
            "sys_updated_on": f"2026-03-{number % 28 + 1:02} 12:00:{number % 60:02}",
            "sys_mod_count": str(number % 9),
            "sys_created_on": "2026-03-01 08:00:00",
            "number": f"INC{number:07}",
            "short_description": f"Checkout answers slowly for customers in the north ({number})",
            "description": "When I pay, it takes a minute, and then the page is white. " * 4,
            "state": str(number % 3 + 1),
            "opened_at": "2026-03-01 08:00:00",
            "priority": str(number % 5 + 1),
            "correlation_id": "",
            "assignment_group.name": f"Group {number % 30}",
            "category": "software",
            "resolved_at": "",
            "closed_at": "",
            "close_code": "",
            "reopen_count": "0",
            "caused_by": "",
            "caused_by.number": "",
            "rfc.number": "",
            "problem_id": "",
            "problem_id.number": "",
            "business_service.name": f"Service {number % 40}",
            "cmdb_ci.name": f"web{number % 200}",
        }
        | _person("caller_id", chance.randrange(900))
        | _person("assigned_to", chance.randrange(60))
        | _person("opened_by", chance.randrange(900))
        for number in range(count)
    ]


def incident_shape() -> Shape:
    """How the connector reads the incident table by default."""
    settings = Settings.model_validate({"base_url": "https://acme.example", "user": "u", "password": "env:P"})
    return shape(
        "servicenow",
        "incident",
        settings.incidents,
        lambda table, sys_id, _key: f"https://acme.example/{table}/{sys_id}",
    )


def measure() -> list[Figure]:
    """The figures."""
    how = incident_shape()
    made = rows(COUNT)
    pages = [orjson.dumps({"result": made[start : start + PAGE]}) for start in range(0, COUNT, PAGE)]

    def mapped(raw: list[bytes]) -> list[Any]:
        return [how.record(row) for page in raw for row in orjson.loads(page)["result"]]

    def only_mapping() -> Spent:
        with spent() as took:
            mapped(pages)
        return took

    def everything() -> Spent:
        with at_work(Rulebook(())) as loop:
            taken(loop, Ready(mapped(pages)))
            with spent() as took:
                done = taken(loop, Ready(mapped(pages)))
        if done.cycle.same != COUNT:
            message = f"{done.cycle.same} rows were unchanged instead of {COUNT}"
            raise RuntimeError(message)
        return took

    mapping, whole = best(ROUNDS, only_mapping), best(ROUNDS, everything)
    size = sum(map(len, pages)) / COUNT
    return [
        Figure("ServiceNow rows mapped", COUNT / mapping.wall, "a second", note=f"{size:,.0f} bytes of JSON a row"),
        Figure("Unchanged rows, mapping included", COUNT / whole.wall, "a second", note="JSON, mapping and comparison"),
    ]


def _person(field: str, number: int) -> dict[str, str]:
    return {
        field: f"{number:032x}",
        f"{field}.name": f"Person {number}",
        f"{field}.email": f"p{number}@acme.example",
        f"{field}.user_name": f"p{number}",
    }
