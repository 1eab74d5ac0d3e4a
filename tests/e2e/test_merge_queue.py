"""GitHub's merge queue asks for the checks of the commit that it would merge."""

from __future__ import annotations

from tests.e2e.world import DEV, STAGING, World


def answers(world: World, commit: str, *, count: int = 2) -> dict[str, str | None]:
    """Return how the checks of a group ended."""
    runs = world.github.check_runs(world.repo, commit)
    assert len(runs) == count
    return {run.name.partition("/")[2]: run.conclusion for run in runs}


async def test_a_group_is_green_only_when_what_it_would_merge_is_in_place(world: World) -> None:
    # Given a planned pull request that nobody has applied,
    number, _ = await world.open_planned("In line")
    # when it comes into the queue, then the check of applies fails, and says what to do.
    group = await world.github.queue(world.repo, number, author=DEV)
    await world.idle()
    assert answers(world, group) == {"plan": "success", "apply": "failure"}
    [check] = [run for run in world.github.check_runs(world.repo, group) if run.conclusion == "failure"]
    assert "staging: not what the group would merge" in (check.summary or "")
    # When it is applied and comes again, then both are green,
    await world.applied(number)
    group = await world.github.queue(world.repo, number, author=DEV)
    await world.idle()
    assert answers(world, group) == {"plan": "success", "apply": "success"}
    # but not together with another one, whose change of staging is not there.
    text = (await world.read(STAGING)).replace('features       = ["search"]', 'features       = ["beta"]')
    other = await world.open({STAGING: text}, branch="other")
    await world.hear(other, kind="plan", env="staging", status="planned")
    group = await world.github.queue(world.repo, number, other, author=DEV)
    await world.idle()
    assert answers(world, group) == {"plan": "success", "apply": "failure"}
    # And nothing was said or run for the queue.
    assert "closeout merged" not in await world.told(number)
    assert [run["kind"] for run in world.runs() if run["kind"] not in {"plan", "verify"}] == ["apply"]


async def test_a_group_that_touches_no_required_stack_is_green(world: World) -> None:
    # Given a pull request about something else,
    number = await world.open({"README.md": "# Words\n"})
    await world.idle()
    # when it comes into the queue, then it holds nobody up.
    group = await world.github.queue(world.repo, number, author=DEV)
    await world.told(number)
    assert answers(world, group) == {"plan": "success", "apply": "success"}


async def test_where_twins_are_compared_a_group_is_answered_with_it_too(world: World) -> None:
    # Given a policy that asks for the check, and twins of which only one has a variable,
    await world.change_policy(lambda text: f"{text}\nparity: {{check: true}}\n")
    number = await world.open({"README.md": "# Words\n"})
    await world.idle()
    # when a pull request comes into the queue, then the check tells the difference,
    group = await world.github.queue(world.repo, number, author=DEV)
    await world.idle()
    assert answers(world, group, count=3) == {"plan": "success", "apply": "success", "parity": "failure"}
    [check] = [run for run in world.github.check_runs(world.repo, group) if run.conclusion == "failure"]
    assert "| `var.motto` | `set` | `not set` | ❌ differs |" in str(check.summary)
    # and of a policy that cannot be read nobody knows what it asks for: no check lets the queue wait for ever.
    await world.change_policy(lambda text: f"{text}\nparty: {{}}\n")
    group = await world.github.queue(world.repo, number, author=DEV)
    await world.told(number)
    assert answers(world, group, count=3) == {"plan": "failure", "apply": "failure", "parity": "failure"}
