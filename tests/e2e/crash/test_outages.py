"""GitHub is away, or says that it has had enough: work goes on, and what is to be said is said later."""

from __future__ import annotations

from bot.playground.seed import REPO
from bot.playground.stack import Playground
from tests.e2e.crash.scene import change, count, planned, told
from tests.e2e.world import World

_COMMENTS = r"/issues/\d+/comments$"


async def test_apply_neither_waits_for_github_nor_is_its_report_lost(own: Playground) -> None:
    # Given a planned change, and a GitHub that takes no check, deployment or comment from the moment of the command,
    seen = await planned(own, "away")
    world = World(playground=own, repo=REPO)
    await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    faults = own.github.faults
    faults.add(method="POST", path=_COMMENTS, status=503, times=None)
    faults.add(method="PATCH", path=r"/issues/comments/", status=403, headers={"retry-after": "1"}, times=3)
    faults.add(method="PATCH", path=r"/check-runs/", status=429, headers={"retry-after": "1"}, times=2)
    faults.add(method="POST", path=r"/deployments", drop_connection=True, times=2)
    # when it is applied all the same,
    await world.ended("apply", "succeeded")
    assert (count(own), told(seen, "apply")) == (1, [])
    # then GitHub has everything once it is back, once.
    faults.clear()
    await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
    await world.idle()
    assert told(seen, "apply") == ["staging applied"]
    (deployment,) = own.github.deployments(REPO)
    # A state that was overtaken while GitHub was away need not be shown.
    assert deployment.statuses[-1].state == "success"
    assert {status.state for status in deployment.statuses} <= {"in_progress", "success"}
    check = world.check(seen.number, "gatewright/apply")
    assert check.conclusion == "success"


async def test_what_was_given_up_is_told_when_github_is_back(own: Playground) -> None:
    # Given a bot that gives up soon, and a GitHub that neither answers questions nor takes comments,
    seen = await planned(own, "given-up")
    world = World(playground=own, repo=REPO)
    await own.bot.stop()
    await own.start_module("tests.e2e.crash.impatient_bot")
    faults = own.github.faults
    faults.add(method="POST", path=_COMMENTS, status=502, times=None)
    faults.add(method="GET", path=r"/collaborators/dev/permission", status=502, times=None)
    command = await own.github.comment(REPO, seen.number, author="dev", body="/apply staging")
    await world.given_up("issue_comment")
    # when it is back, and a push comes that the store cannot be asked about,
    faults.clear()
    lost = await seen.hear({"kind": "error", "status": "failed"})
    # then the command, its id and what to do are told on the pull request, and nothing was applied.
    assert "The comment `/apply staging` arrived" in lost.body
    assert lost.header["ref"] in [each.guid for each in own.github.deliveries]
    assert "comment `/apply staging` to ask for it again" in lost.body
    await world.idle()
    assert "confused" in world.reactions(command.id)
    assert (count(own), world.runs(kind="apply")) == (0, [])
    # And a plan that could not be made says so, and is made when somebody asks.
    faults.add(method="GET", path=rf"/pulls/{seen.number}$", status=500, times=None)
    await change(own, "given-up", "Another")
    await world.given_up("pull_request")
    faults.clear()
    assert "comment `/plan`" in (await seen.hear({"kind": "error"})).body
    await own.github.comment(REPO, seen.number, author="dev", body="/plan staging")
    await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
