"""GitLab's twin and connector for the contract suite: its releases, which people edit, and its deployments."""

from datetime import datetime
from typing import Any, Self

from loopbot.domain.receipts import Delivery
from loopbot.ports import Surroundings
from loopbot.sandbox.faults import Fault, Faults
from loopbot.sandbox.ledger import Ledger
from tests.connectors.contract import Traits, surroundings
from tests.support.door import behind_the_door

PROJECT = "shop/apps/web"


class GitLabStage:
    """Releases, on a server under a path of its own."""

    traits = Traits(system="gitlab", stream="release", reading=f"^GET .*/projects/{PROJECT}/releases", writes=False)

    def __enter__(self) -> Self:
        from loopbot.sandbox.gitlab.twin import GitLabTwin

        self.ledger, self.faults = Ledger(), Faults()
        self.twin = GitLabTwin(self.ledger, faults=self.faults, base_path="/gitlab/api/v4")
        self.project = self.twin.add_project(PROJECT)
        self.twin.commit(PROJECT, "The beginning")
        self.server = behind_the_door(self.twin.app)
        self._made = 0
        return self

    def __exit__(self, *_: object) -> None:
        """The server stays, for the next stage."""

    def connector(self, given: Surroundings, *, base_url: str = "", wrong_token: bool = False, **more: Any) -> Any:
        from connectors.gitlab.connector import GitLab
        from loopbot.sandbox.gitlab.twin import TOKEN

        made = surroundings(given.clock, {"GITLAB": "glpat-wrong" if wrong_token else TOKEN})  # type: ignore[arg-type]
        told = {
            "token": "env:GITLAB",
            "projects": (PROJECT,),
            "base_url": (base_url or self.server.url) + self.twin.base_path,
            "issues_in": "jira",
            "issue_keys": ("LOOP",),
        }
        return GitLab("gitlab", GitLab.Settings(**(told | more)), made)

    def add(self, count: int, at: datetime) -> list[str]:
        keys = []
        for _ in range(count):
            self._made += 1
            one = self.twin.release(PROJECT, f"v1.{self._made}")
            one.created_at = one.released_at = at
            keys.append(f"{PROJECT}@{one.tag}")
        return keys

    def edit(self, key: str, title: str, at: datetime) -> None:
        self.project.releases[key.partition("@")[2]].name = title

    def spoil(self, at: datetime) -> str:
        self.twin.release(PROJECT, "v0.spoilt").created_at = None
        return f"{PROJECT}:v0.spoilt"

    def stuck(self) -> Fault:
        return self._stuck(
            {"tag_name": f"v{number}", "name": "x", "created_at": "2026-03-02T12:00:00.000Z"}
            for number in range(9000, 9100)
        )

    def _stuck(self, rows: Any) -> Fault:
        import orjson

        headers = {"Link": f'<{self.server.url}/?page=2>; rel="next"', "X-Next-Page": "2"}
        body = orjson.dumps(list(rows))
        return Fault("body", match=self.traits.reading, times=99, status=200, headers=headers, body=body)

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


class DeploymentStage(GitLabStage):
    """Deployments."""

    _untold = "nobody edits a deployment, and its title is made of what it deploys"
    traits = Traits(
        system="gitlab",
        stream="deployment",
        reading=f"^GET .*/projects/{PROJECT}/deployments",
        writes=False,
        cannot={
            "test_an_edit_is_seen_by_the_next_reading": _untold,
            "test_a_row_that_changes_in_the_very_moment_of_the_watermark_is_seen": _untold,
        },
    )

    def add(self, count: int, at: datetime) -> list[str]:
        return [f"{PROJECT}#{self._deployed(at)}" for _ in range(count)]

    def spoil(self, at: datetime) -> str:
        number = self._deployed(at)
        self.project.deployments[number].status = "teleported"  # type: ignore[assignment]  # that is what is wrong with it
        return f"{PROJECT}:{number}"

    def stuck(self) -> Fault:
        return self._stuck(
            {"id": number, "status": "running", "created_at": "2026-03-02T12:00:00Z", "updated_at": stamp}
            for number, stamp in ((n, f"2026-03-02T12:00:{n % 60:02}.000Z") for n in range(9000, 9060))
        )

    def _deployed(self, at: datetime) -> int:
        number = self.twin.deploy(PROJECT, "main", by_job=False)
        one = self.project.deployments[number]
        one.created_at = one.updated_at = at
        return number


STAGES = {"gitlab releases": GitLabStage, "gitlab deployments": DeploymentStage}
