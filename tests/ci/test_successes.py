"""What is kept of the successes in an environment."""

from loopbot.ci.successes import Success, Successes, successes_of


def known(count: int) -> Successes:
    live = Successes()
    for number in range(count):
        live.succeeded("prod", Success(f"2026-03-02T08:{number:02}:00+00:00", number, f"sha{number}"))
    return live


def test_a_success_follows_the_last_one_before_it_in_its_environment() -> None:
    live = known(3)
    assert live.base("prod", "2026-03-02T08:01:30+00:00", 99) == Success("2026-03-02T08:01:00+00:00", 1, "sha1")
    assert live.base("staging", "2026-03-02T08:01:30+00:00", 99) is None


def test_one_that_was_noted_is_known_by_its_commit_too() -> None:
    live = known(3)
    assert live.noted("prod", 1, "sha1")
    assert not live.noted("prod", 1, "another")
    assert not live.noted("staging", 1, "sha1")


def test_of_environments_made_for_one_branch_each_the_latest_are_kept() -> None:
    live = known(1)
    for number in range(9):
        live.succeeded(f"review/{number}", Success(f"2026-03-02T09:{number:02}:00+00:00", number, "sha"))
    live.failed("review/8", 8)
    live.keep(3)
    assert set(live.live) == {"review/5", "review/6", "review/7"}


def test_only_before_a_full_list_is_anything_forgotten() -> None:
    long_ago = "2026-03-01T08:00:00+00:00"
    assert not known(19).forgotten("prod", long_ago)
    full = known(30)
    assert full.forgotten("prod", long_ago)
    assert not full.forgotten("prod", "2026-03-02T08:10:00+00:00")
    assert successes_of(full.dumped()).forgotten("prod", long_ago)
