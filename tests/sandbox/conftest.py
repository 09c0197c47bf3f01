import os
from collections.abc import Iterator

import pytest

from tests.support.jira_site import Stage, staged
from tests.support.jira_spec import SPEC, JiraSpec


@pytest.fixture(scope="session")
def jira_spec() -> JiraSpec:
    """Atlassian's own description of the API; without it the tests that need it say so, or fail where it is required."""
    if SPEC.exists():
        return JiraSpec.load()
    reason = f"{SPEC} is not there"
    if "shared" in os.environ.get("LOOPBOT_REQUIRE", "").split(","):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """One server for all tests of this folder that bring their own twin."""
    with staged() as one:
        yield one
