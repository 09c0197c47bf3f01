"""DORA's four keys, and incidents laid to deployments as a published table of another tool does it, cell by cell."""

import csv
import io
import tarfile
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loopbot.domain import dora
from loopbot.domain.listening import Passed, figures
from loopbot.domain.records import Deployment, Ref
from tests.support.made import at, incident

TABLES = "data/devlake_dora_e2e.tar.gz"
FOLDER = "dora/connect_incident_to_deployment"


def deployment(key: str, minutes: float, **fields: object) -> Deployment:
    given = {"title": "shop", "state": "succeeded", "environment": "production", "updated_at": at(minutes), "finished_at": at(minutes)} | fields  # fmt: skip
    return Deployment(ref=Ref("ci", "deployment", key), ident=key, **given)  # type: ignore[arg-type]


def test_the_four_keys_are_counted_over_what_was_deployed() -> None:
    made = [
        deployment("1", 0, extra={"first_commit_at": at(-60).isoformat()}),
        deployment("2", 100, extra={"first_commit_at": at(40).isoformat()}),
        deployment("3", 200, extra={"first_commit_at": "not a time"}),
        deployment("4", 300, state="failed"),
        deployment("5", 400, state="rolled_back", extra={"first_commit_at": at(500).isoformat()}),
    ]
    broke = incident(1, opened_at=at(110), resolved_at=at(140))
    keys = dora.keys(made, {made[1].ref: [broke]}, timedelta(days=14))
    assert (len(keys.deployments), keys.a_week) == (4, 2.0)
    assert keys.lead_time == timedelta(minutes=60)
    assert keys.failure_rate == 0.5
    assert keys.time_to_restore == timedelta(minutes=30)
    nothing = dora.keys([], {}, timedelta(days=7))
    assert (nothing.lead_time, nothing.failure_rate, nothing.time_to_restore) == (None, None, None)


def rows(archive: tarfile.TarFile, name: str) -> list[dict[str, str]]:
    file = archive.extractfile(f"{FOLDER}/{name}")
    assert file is not None
    return list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"))))


def test_an_incident_is_laid_to_the_last_deployment_before_it_as_the_published_table_has_it(shared: Path) -> None:
    with tarfile.open(shared / TABLES) as archive:
        deployed = rows(archive, "prev_success_deployment_commit/cicd_deployment_commits_after.csv")
        reported = rows(archive, "raw_tables/incidents.csv")
        belongs = rows(archive, "raw_tables/project_mapping.csv")
        expected = rows(archive, "snapshot_tables/project_incident_deployment_relationships.csv")
    project = {(row["table"], row["row_id"]): row["project_name"] for row in belongs}
    made: dict[str, list[Deployment]] = defaultdict(list)
    for row in deployed:
        finished = datetime.fromisoformat(row["finished_date"])
        one = Deployment(
            ref=Ref("ci", "deployment", row["id"]),
            ident=row["cicd_deployment_id"],
            title=row["cicd_deployment_id"],
            state="succeeded" if row["result"] == "SUCCESS" else "failed",
            environment=row["environment"].lower() or None,
            updated_at=finished,
            finished_at=finished,
        )
        made[project.get(("cicd_scopes", row["cicd_scope_id"]), "")].append(one)
    found: dict[str, str] = {}
    for row in reported:
        where = project.get((row["table"], row["scope_id"]))
        opened = datetime.fromisoformat(row["created_date"]).replace(tzinfo=UTC)
        last = dora.last_before(opened, made[where], {"production"}) if where else None
        if last is not None:
            found[row["id"]] = last.ident
    assert found == {row["id"]: row["deployment_id"] for row in expected}


def test_a_later_stage_counts_for_the_earlier_ones() -> None:
    ref = Ref("servicenow", "incident", "INC1")
    told = Passed(ref, {"heard": at(0), "told": at(60)})
    new = Passed(ref, {"heard": at(0)})
    over = Passed(ref, {"heard": at(0), "acknowledged": at(10)}, over=True)
    by_stage = {one.stage: one for one in figures([told, new, over])}
    assert (by_stage["heard"].reached, by_stage["heard"].waiting) == (3, 1)
    assert (by_stage["acknowledged"].reached, by_stage["acknowledged"].waiting) == (2, 0)
    assert (by_stage["told"].reached, by_stage["told"].typical) == (1, timedelta(minutes=60))
    assert by_stage["confirmed"].reached == 0
