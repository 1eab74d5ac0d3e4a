"""The environment test lives as long as a pull request, and one pull request after the other has it."""

from __future__ import annotations

import asyncio
import re

from tests.e2e.world import ADMIN, DEV, OWNER, World

TEST = "envs/test.tfvars"

_STUBBORN = """
resource "terraform_data" "stubborn" {
  input = var.site_root
  provisioner "local-exec" {
    when    = destroy
    command = "test ! -e ${self.input}/stubborn"
  }
}
"""


async def _greeting(world: World, message: str) -> dict[str, str | None]:
    text = await world.read(TEST)
    return {TEST: re.sub(r'^(message\s*=\s*)".*"$', rf'\g<1>"{message}"', text, count=1, flags=re.MULTILINE)}


async def _open(world: World, message: str) -> int:
    return await world.open(await _greeting(world, message), branch=message.lower())


async def _standing(world: World, number: int) -> str:
    """Wait until test is applied for the pull request; returns the comment on it."""
    said = await world.hear(number, kind="apply", env="test", status="applied")
    await world.told(number)
    return said.body


async def _destroyed(world: World, number: int) -> str:
    said = await world.hear(number, kind="destroy", env="test", status="destroyed")
    await world.told(number)
    return said.body


async def test_test_is_applied_on_every_push_and_destroyed_on_merge(town: World) -> None:
    # Given a pull request that touches test,
    number = await _open(town, "First")
    # when it is opened, then test is applied without a word of anybody, and its address is told and answers.
    body = await _standing(town, number)
    url = f"{town.playground.sites.url}/test/"
    assert url in body
    assert "First" in await town.page("test/")
    assert town.locks() == [("test", number)]

    # When it is pushed to, then test follows,
    first = town.head(number)
    second = await town.push(await _greeting(town, "Second"), branch="first")
    await _standing(town, number)
    assert "Second" in await town.page("test/")
    # also back to an older commit and forth again,
    for head, message in ((first, "First"), (second, "Second")):
        await town.github.force_push(town.repo, "first", head, author=DEV)
        await _standing(town, number)
        assert message in await town.page("test/")
    # also where the push changes nothing of test: what is held follows its pull request.
    await town.push({"README.md": "# Nothing of test\n"}, branch="first")
    assert "plan test no_changes" in await town.told(number)

    # When it is merged, then test is destroyed and free.
    await town.github.merge(town.repo, number, author=DEV)
    body = await _destroyed(town, number)
    assert re.search(r"\d+ resources destroyed", body)
    assert "Second" not in await town.page("test/")
    assert town.locks() == []
    kinds = [run["kind"] for run in town.runs() if run["env"] == "test" and run["kind"] != "verify"]
    assert kinds == ["plan", "apply"] * 4 + ["plan", "destroy"]
    # And the closeout tells it with everything else.
    [closeout] = [heard for heard in town.watch(number).comments() if heard.is_about(kind="closeout")]
    [row] = [line for line in closeout.body.splitlines() if line.startswith("| test |")]
    assert "🧹 destroyed" in row
    assert "Released for other pull requests: test" in closeout.body
    assert "Still held" not in closeout.body
    acts = [(event["act"], event["env"]) for event in town.lock_events(number)]
    assert acts == [("locked", "test"), ("unlocked", "test")]


async def test_two_pull_requests_race_for_test_and_others_queue(town: World) -> None:
    # Given three pull requests that all need test, two of them opened at once,
    one, two = await asyncio.gather(_open(town, "One"), _open(town, "Two"))
    await town.idle()
    # then exactly one has it, and the other is told who.
    holder = town.locks()[0][1]
    assert town.locks() == [("test", holder)]
    second = two if holder == one else one
    assert "apply test applied" in await town.told(holder)
    waiting = await town.hear(second, kind="queue", env="test", status="waiting")
    assert f"#{holder} has it" in waiting.body
    assert "next in line" in waiting.body
    third = await _open(town, "Three")
    assert "number 2 of 2 in line" in (await town.hear(third, kind="queue", status="waiting")).body

    # Whoever waits may plan, but not apply.
    await town.comment(third, "/plan test")
    planned = await town.hear(third, kind="plan", env="test", status="planned")
    assert f"made against the state of #{holder}" in planned.body
    await town.comment(third, "/apply test")
    await town.refused(third, "locked")
    # Nobody frees test without destroying it, but an administrator.
    await town.comment(holder, "/unlock")
    assert "/destroy test" in (await town.refused(holder, "environment")).body
    # What lives longer than a pull request cannot be destroyed by a comment.
    await town.comment(holder, "/destroy staging", by=ADMIN)
    await town.refused(holder, "environment")
    await town.comment(second, "/destroy test")
    await town.refused(second, "not_found")

    # When the holder is closed, then what it has is destroyed first, and the next starts by itself.
    await town.github.close(town.repo, holder, author=DEV)
    await _destroyed(town, holder)
    await _standing(town, second)
    assert town.locks() == [("test", second)]
    await town.hear(third, kind="queue", status="waiting")
    # When that one gives test up, then the last has it,
    await town.comment(second, "/destroy test", by=OWNER)
    await town.hear(second, kind="destroy", status="queued")
    await _destroyed(town, second)
    await _standing(town, third)
    assert "Three" in await town.page("test/")
    await town.github.close(town.repo, third, author=DEV)
    await _destroyed(town, third)
    # and between two holders there always was a destroy.
    changes = [run["kind"] for run in town.runs() if run["kind"] in {"apply", "destroy"}]
    assert changes == ["apply", "destroy"] * 3


async def test_failed_destroy_keeps_holder_and_is_tried_again_few_times(town: World) -> None:
    # Given a holder whose destroy will fail, and one who waits,
    flag = town.playground.directory / "site" / "stubborn"
    await town.push({"terraform/stubborn.tf": _STUBBORN}, branch="main", by=ADMIN)
    holder = await _open(town, "Stubborn")
    await _standing(town, holder)
    second = await _open(town, "Patient")
    await town.hear(second, kind="queue", status="waiting")
    flag.touch()

    # when the holder is closed, then the failure is told three times, and test stays with it.
    await town.github.close(town.repo, holder, author=DEV)
    bodies = [(await town.hear(holder, kind="destroy", status="failed")).body for _ in range(3)]
    await town.idle()
    assert "2 more times at most" in bodies[0]
    assert "1 more time at most" in bodies[1]
    assert "not retried automatically" in bodies[2]
    assert "/destroy test" in bodies[2]
    assert town.locks() == [("test", holder)]
    assert len(town.runs(kind="destroy")) == 3

    # When what was in the way is gone and somebody asks for it, then the next in line has test.
    flag.unlink()
    await town.comment(holder, "/destroy test")
    await town.hear(holder, kind="destroy", status="queued")
    await _destroyed(town, holder)
    await _standing(town, second)
    await town.github.close(town.repo, second, author=DEV)
    await _destroyed(town, second)


async def test_idle_holder_loses_test_and_own_keys_need_no_queue(town: World) -> None:
    # Given a policy under which test is idle after a second,
    await town.change_policy(
        lambda text: text.replace("lifecycle: pull_request", "lifecycle: pull_request\n    idle_after: 1s")
    )
    # when nothing happens with it,
    number = await _open(town, "Idle")
    await town.hear(number, kind="apply", env="test", status="applied")
    # then it is told and destroyed.
    await town.hear(number, kind="expiry", env="test")
    await _destroyed(town, number)
    assert town.locks() == []

    # Given a policy under which each pull request has a test of its own,
    await town.change_policy(
        lambda text: re.sub(
            r"state_key: (test/\S+)/terraform.tfstate", r'state_key: "\1/{pull}/terraform.tfstate"', text
        )
    )
    # then two pull requests have one each, and it does not expire.
    mine, yours = await _open(town, "Mine"), await _open(town, "Yours")
    await _standing(town, mine)
    await _standing(town, yours)
    assert sorted(town.locks()) == [("test", mine), ("test", yours)]
    for one in (mine, yours):
        await town.github.close(town.repo, one, author=DEV)
        await _destroyed(town, one)
