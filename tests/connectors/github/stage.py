"""GitHub's twin and connector for the contract suite, which reads releases: they are what people edit there."""

from datetime import datetime
from typing import Any, Self

from loopbot.domain.receipts import Delivery
from loopbot.ports import Surroundings
from loopbot.sandbox.faults import Fault, Faults
from loopbot.sandbox.ledger import Ledger
from tests.connectors.contract import Traits, surroundings
from tests.support.door import behind_the_door

REPOSITORY = "shop/web"


class GitHubStage:
    traits = Traits(system="github", stream="release", reading="^GET /repos/shop/web/releases", writes=False)
    base_path = ""

    def __enter__(self) -> Self:
        from loopbot.sandbox.github.twin import GitHubTwin

        self.ledger, self.faults = Ledger(), Faults()
        self.twin = GitHubTwin(self.ledger, faults=self.faults, base_path=self.base_path)
        self.twin.add_repo(REPOSITORY)
        self.twin.commit(REPOSITORY, "The beginning")
        self.server = behind_the_door(self.twin.app)
        self._made = 0
        return self

    def __exit__(self, *_: object) -> None:
        """The server stays, for the next stage."""

    def connector(self, given: Surroundings, *, base_url: str = "", wrong_token: bool = False, **more: Any) -> Any:
        from connectors.github.connector import GitHub
        from loopbot.sandbox.github.twin import TOKEN

        made = surroundings(given.clock, {"GITHUB": "ghp_wrong" if wrong_token else TOKEN})  # type: ignore[arg-type]
        told = {
            "token": "env:GITHUB",
            "repositories": (REPOSITORY,),
            "base_url": (base_url or self.server.url) + self.base_path,
            "issues_in": "jira",
            "issue_keys": ("LOOP",),
        }
        return GitHub("github", GitHub.Settings(**(told | more)), made)

    def add(self, count: int, at: datetime) -> list[str]:
        keys = []
        for _ in range(count):
            self._made += 1
            tag = f"v1.{self._made}"
            self._release(tag, at)
            keys.append(f"{REPOSITORY}@{tag}")
        return keys

    def edit(self, key: str, title: str, at: datetime) -> None:
        tag = key.partition("@")[2]
        [one] = [one for one in self._releases().values() if one.tag == tag]
        one.name = title

    def spoil(self, at: datetime) -> str:
        number = self._release("v0.spoilt", at)
        self._releases()[number].created_at = None
        return f"{REPOSITORY}:{number}"

    def stuck(self) -> Fault:
        import orjson

        page = [
            {"id": number, "tag_name": f"v{number}", "created_at": "2026-03-02T12:00:00Z"}
            for number in range(9000, 9100)
        ]
        headers = {"Link": f'<{self.server.url}/repos/shop/web/releases?page=2>; rel="next"'}
        return Fault("body", match=self.traits.reading, times=99, status=200, headers=headers, body=orjson.dumps(page))

    def _release(self, tag: str, at: datetime) -> int:
        number = self.twin.release(REPOSITORY, tag)
        one = self._releases()[number]
        one.created_at = one.published_at = at
        return number

    def _releases(self) -> dict[int, Any]:
        found: dict[int, Any] = self.twin.world.repository(REPOSITORY).releases
        return found

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


STAGES = {"github": GitHubStage}
