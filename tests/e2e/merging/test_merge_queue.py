"""GitHub's merge queue asks for the checks of the commit that it would merge."""

from __future__ import annotations

import json

from tests.e2e.merging.answers import answers
from tests.e2e.world import DEV, STAGING, World


async def test_group_is_green_only_when_its_merge_is_in_place(world: World) -> None:
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
    # also when somebody has GitHub run them again,
    await world.github.rerequest_suite(world.repo, group, author=DEV)
    await world.idle()
    assert answers(world, group, count=4) == {"plan": "success", "apply": "success"}
    assert world.github.suite_state(world.repo, group) == ("completed", "success")
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
    # When the queue merges them all the same, then nothing is applied that nobody has seen together.
    commits = await world.github.merge_queue(world.repo)
    for pull in (number, other):
        said = await world.hear(pull, kind="closeout", status="merged")
        assert "not applied, because it is not what was reviewed" in said.body
        assert "comment `/plan staging`" in said.body
        await world.told(pull)
    staging = [run for run in world.runs(kind="sync") if run["env"] == "staging"]
    assert [(run["head_sha"], run["actor"]) for run in staging] == [
        (commit, "github-merge-queue[bot]") for commit in commits
    ]
    assert "beta" not in json.dumps(world.state())
    assert world.locks() == []


async def test_a_group_that_touches_no_required_stack_is_green(world: World) -> None:
    # Given a pull request about something else,
    number = await world.open({"README.md": "# Words\n"})
    await world.idle()
    # when it comes into the queue, then it holds nobody up.
    group = await world.github.queue(world.repo, number, author=DEV)
    await world.told(number)
    assert answers(world, group) == {"plan": "success", "apply": "success"}


async def test_where_twins_are_compared_group_is_answered_with_it_too(world: World) -> None:
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
