"""GitHub may deliver late, twice, or not at all: a command is executed once."""

from __future__ import annotations

from tests.e2e.world import STAGING, World


async def test_a_redelivered_command_runs_once(world: World) -> None:
    # Given an apply whose delivery came twice,
    number, _ = await world.open_planned()
    world.github.hooks.duplicate_next()
    command = await world.comment(number, "/apply staging")
    assert await world.told(number) == ["plan staging applied", "apply staging applied"]
    # when it is delivered a third time, long after,
    delivery = next(each for each in reversed(world.github.deliveries) if each.event == "issue_comment")
    world.github.redeliver(delivery)
    # then there is one run and one answer.
    assert await world.told(number) == ["plan staging applied", "apply staging applied"]
    assert len(world.runs(kind="apply")) == 1
    assert world.reactions(command) == ["eyes", "rocket"]


async def test_one_comment_in_two_deliveries_runs_once(world: World) -> None:
    # Given an applied command,
    number, _ = await world.open_planned()
    await world.applied(number)
    # when the same comment comes under another delivery id,
    hooks = world.github.hooks
    delivery = next(each for each in reversed(world.github.deliveries) if each.event == "issue_comment")
    hooks.queue(
        delivery.event,
        hooks.payload(delivery.guid),
        installation_id=delivery.installation_id,
        repository_id=delivery.repository_id,
    )
    # then nothing is said or run again.
    assert await world.told(number) == ["plan staging applied", "apply staging applied"]
    assert len(world.runs(kind="apply")) == 1


async def test_one_commit_in_two_deliveries_is_planned_once(world: World) -> None:
    # Given a planned pull request,
    number, _ = await world.open_planned()
    hooks = world.github.hooks
    delivery = next(each for each in reversed(world.github.deliveries) if each.event == "pull_request")
    # when its event comes again under another id,
    hooks.queue(
        delivery.event,
        hooks.payload(delivery.guid),
        installation_id=delivery.installation_id,
        repository_id=delivery.repository_id,
    )
    # then there is still one run.
    assert await world.told(number) == ["plan staging planned"]
    assert len(world.runs()) == 1


async def test_late_deliveries_of_old_commits_bring_no_old_plans_back(world: World) -> None:
    # Given a pull request that was pushed to twice while deliveries were held back,
    number, _ = await world.open_planned("One")
    world.github.hooks.pause()
    await world.push({STAGING: await world.staging("Two")})
    head = await world.push({STAGING: await world.staging("Three")})
    # when they come in the wrong order,
    world.github.hooks.reverse()
    world.github.hooks.resume()
    # then the newest commit's plan is shown, and it was planned once.
    plan = await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    assert "Three" in plan.body
    assert await world.told(number) == ["plan staging planned"]
    assert [run["head_sha"] for run in world.runs()][1:] == [head]


async def test_what_is_replayed_after_the_merge_changes_nothing(world: World) -> None:
    # Given a pull request that was applied and merged,
    number, _ = await world.open_planned()
    await world.applied(number)
    await world.github.merge(world.repo, number, author="dev")
    await world.hear(number, kind="closeout", status="merged")
    said = await world.told(number)
    runs = [run["id"] for run in world.runs()]
    # when every delivery of it comes again, as it was and under another id,
    hooks = world.github.hooks
    theirs = world.github.repo(world.repo).id
    old = [each for each in world.github.deliveries if each.repository_id == theirs]
    assert {"pull_request", "issue_comment", "push"} <= {each.event for each in old}
    for delivery in old:
        world.github.redeliver(delivery)
        hooks.queue(
            delivery.event,
            hooks.payload(delivery.guid),
            installation_id=delivery.installation_id,
            repository_id=delivery.repository_id,
        )
    # then nothing runs, nothing is held and nothing is said again.
    assert await world.told(number) == said
    assert [run["id"] for run in world.runs()] == runs
    assert world.locks() == []
    # And a new command is refused.
    await world.comment(number, "/apply staging")
    await world.refused(number, "pull_closed")
    assert [run["id"] for run in world.runs()] == runs
