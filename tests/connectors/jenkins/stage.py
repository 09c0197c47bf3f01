"""Jenkins' twin and connector for the contract suite."""

from datetime import datetime
from typing import Any, Self

from loopbot.domain.receipts import Delivery
from loopbot.ports import Surroundings
from loopbot.sandbox.faults import Fault, Faults
from loopbot.sandbox.ledger import Ledger
from tests.connectors.contract import Traits, surroundings
from tests.support.door import behind_the_door

JOB = "shop/deploy-prod"
_TITLE = "a title also says which job deployed where; test_jenkins_builds.py holds that a build is read again once it is named"


class JenkinsStage:
    traits = Traits(
        system="jenkins",
        stream="deployment",
        reading="^GET /jenkins/job/",
        writes=False,
        many=700,
        cannot={
            "test_an_edit_is_seen_by_the_next_reading": _TITLE,
            "test_a_row_that_changes_in_the_very_moment_of_the_watermark_is_seen": _TITLE,
        },
    )

    def __enter__(self) -> Self:
        from loopbot.sandbox.jenkins.twin import JenkinsTwin

        self.ledger, self.faults = Ledger(), Faults()
        self.twin = JenkinsTwin(self.ledger, faults=self.faults, base_path="/jenkins")
        self.twin.add_job(JOB)
        self.twin.commit(JOB, "The beginning")
        self.server = behind_the_door(self.twin.app)
        return self

    def __exit__(self, *_: object) -> None:
        """The server stays, for the next stage."""

    def connector(self, given: Surroundings, *, base_url: str = "", wrong_token: bool = False, **more: Any) -> Any:
        from connectors.jenkins.connector import Jenkins
        from loopbot.sandbox.jenkins.twin import TOKEN, USER

        made = surroundings(given.clock, {"JENKINS": "wrong" if wrong_token else TOKEN})  # type: ignore[arg-type]
        told = {
            "base_url": f"{base_url or self.server.url}/jenkins",
            "user": USER,
            "token": "env:JENKINS",
            "jobs": {JOB: {"environment": "production"}},
            "issues_in": "jira",
            "issue_keys": ("LOOP",),
        }
        return Jenkins("jenkins", Jenkins.Settings(**(told | more)), made)

    def add(self, count: int, at: datetime) -> list[str]:
        return [f"{JOB}#{self._build(at)}" for _ in range(count)]

    def edit(self, key: str, title: str, at: datetime) -> None:
        self.twin.describe(JOB, int(key.rpartition("#")[2]), title)

    def spoil(self, at: datetime) -> str:
        number = self._build(at)
        self.twin.world.job(JOB).builds[number].result = "TELEPORTED"
        return f"{JOB}#{number}"

    def stuck(self) -> Fault:
        import orjson

        row = {"result": "SUCCESS", "building": False, "timestamp": 1_772_452_800_000, "duration": 1}
        page = [{**row, "number": number} for number in range(9100, 9000, -1)]
        body = orjson.dumps({"builds": page, "allBuilds": page})
        return Fault("body", match=self.traits.reading, times=99, status=200, body=body)

    def _build(self, at: datetime) -> int:
        number = self.twin.build(JOB)
        one = self.twin.world.job(JOB).builds[number]
        one.at, one.duration = at, 0
        return number

    # It writes nothing.

    def delivery(self, verb: str, text: str) -> Delivery:
        raise NotImplementedError

    def refused(self) -> Delivery:
        raise NotImplementedError

    def writing(self, verb: str) -> str:
        raise NotImplementedError

    def done(self, delivery: Delivery) -> int:
        raise NotImplementedError

    def seen(self, delivery: Delivery) -> str:
        raise NotImplementedError


STAGES = {"jenkins": JenkinsStage}
