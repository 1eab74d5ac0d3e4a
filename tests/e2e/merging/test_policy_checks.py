"""The check run `gatewright/policy`, and how a policy that is not valid is repaired."""

from __future__ import annotations

from tests.e2e.merging.answers import answers, said, without_policy
from tests.e2e.world import ADMIN, DEV, OUTSIDER, STAGING, World

POLICY = "gatewright.yaml"


def line_of(text: str, words: str) -> int:
    return text[: text.index(words)].count("\n") + 1


async def break_policy(world: World) -> str:
    """Break the policy on the default branch; returns the text that was right."""
    right = await world.read(POLICY)
    await world.change_policy(lambda text: text.replace("version: 1", "version: 99", 1))
    await world.idle()
    return right


async def test_policy_that_is_not_valid_is_red_at_its_line(world: World) -> None:
    # Given a pull request whose policy has a value that is not allowed,
    text = (await world.read(POLICY)).replace("autoplan: true", "autoplan: maybe", 1)
    # when it is opened,
    number = await world.open({POLICY: text})
    await world.told(number)
    # then the check fails and marks the line, and says what to do.
    check = world.check(number, "gatewright/policy")
    assert (check.conclusion, check.title) == ("failure", "gatewright.yaml is not valid: 1 problem")
    [mark] = check.annotations
    assert (mark["path"], mark["start_line"]) == (POLICY, line_of(text, "autoplan: maybe"))
    assert mark["annotation_level"] == "failure"
    assert "must be true or false" in mark["message"]
    assert "Correct the file and push." in (check.summary or "")
    # And when it is corrected, the check of the new head is green.
    await world.push({POLICY: text.replace("maybe", "false")})
    await world.told(number)
    assert world.check(number, "gatewright/policy").conclusion == "success"


async def test_what_a_policy_would_change_is_listed(world: World) -> None:
    # Given a pull request that takes a gate from prod and adds an environment,
    text = (await world.read(POLICY)).replace("codeowners, ", "", 1)
    text = text.replace(
        "environments:\n", "environments:\n  demo: {state_key: demo/x.tfstate, apply: {allow: admin}}\n"
    )
    # when it is opened,
    number = await world.open({POLICY: text})
    await world.told(number)
    # then the check names both, and that the default branch's file stays in force.
    check = world.check(number, "gatewright/policy")
    assert (check.conclusion, check.title) == (
        "success",
        "gatewright.yaml is valid: it changes demo, prod",
    )
    summary = check.summary or ""
    assert "These gates would not be judged any more:\n> - prod: `codeowners`" in summary
    assert "| demo | every pull request that touches it | admin access | none |" in summary
    assert "Until the merge the file on `main`" in summary


async def test_pull_request_that_changes_no_policy_gets_no_such_check(world: World) -> None:
    # Given a planned pull request, when the policy of the default branch changes,
    number, _ = await world.open_planned()
    await world.change_policy(lambda text: text.replace("autoplan: true", "autoplan: false", 1))
    await world.push({STAGING: await world.staging("Again")})
    await world.told(number)
    # then its head, which has another file but did not change it, gets no check of policies.
    names = {run.name for run in world.github.check_runs(world.repo, world.head(number))}
    assert names == {"gatewright/plan", "gatewright/apply"}


async def test_drafts_and_forks_have_their_policy_validated(world: World) -> None:
    # Given a policy that is not valid,
    text = (await world.read(POLICY)).replace("autoplan: true", "autoplan: maybe", 1)
    # when a draft and a pull request from a fork bring it,
    draft = await world.open({POLICY: text}, branch="draft", draft=True)
    fork = await world.github.open_pull(
        world.repo, author=OUTSIDER, branch="gift", files={POLICY: text}, fork=OUTSIDER
    )
    await world.refused(fork.number, "fork")
    await world.idle()
    # then both are red, although nothing of them is planned.
    for number in (draft, fork.number):
        assert world.check(number, "gatewright/policy").conclusion == "failure"
    assert world.runs() == []


async def test_pull_request_that_adds_policy_is_told_what_would_happen(world: World) -> None:
    # Given a repository without a policy,
    text = await world.read(POLICY)
    await without_policy(world)
    # when a pull request adds one,
    number = await world.open({POLICY: text})
    await world.idle()
    # then one check says which environments there would be, and nothing else is said.
    check = world.check(number, "gatewright/policy")
    assert check.conclusion == "success"
    assert (check.title or "").startswith("gatewright.yaml is valid: it adds dev, ci, test, staging, prod")
    assert "| prod | every pull request that touches it | write access | `codeowners`" in (
        check.summary or ""
    )
    assert said(world, number) == ([], ["gatewright/policy"], [])
    # And when it is merged, pull requests are planned.
    await world.github.merge(world.repo, number, author=ADMIN)
    await world.idle()
    other = await world.open_staging_change("Configured", branch="other")
    await world.hear(other, kind="plan", env="staging", status="planned")
    await world.told(other)
    await world.told(number)


async def test_pull_request_that_removes_the_policy_is_told_what_ends(world: World) -> None:
    # Given a planned repository, when a pull request removes its policy,
    number = await world.open({POLICY: None})
    await world.told(number)
    # then the check says what ends, and lets people decide.
    check = world.check(number, "gatewright/policy")
    assert check.conclusion == "neutral"
    assert "Gatewright says nothing in this repository any more" in (check.summary or "")


async def test_a_check_of_the_policy_can_be_asked_for_again(world: World) -> None:
    # Given a pull request that adds a policy to a repository without one,
    text = await world.read(POLICY)
    await without_policy(world)
    number = await world.open({POLICY: text.replace("version: 1", "version: 99", 1)})
    await world.idle()
    check = world.check(number, "gatewright/policy")
    # when its check is run again, then there is a new one, with each mark once, and nothing else is said.
    await world.github.rerequest(check.id, author=DEV)
    await world.idle()
    again = world.check(number, "gatewright/policy")
    assert again.id > check.id
    assert len(again.annotations) == 1
    assert world.github.suite_state(world.repo, world.head(number)) == ("completed", "failure")
    assert said(world, number) == ([], ["gatewright/policy"] * 2, [])


async def test_broken_policy_is_repaired_by_pull_request_of_its_own(world: World) -> None:
    # Given a policy on the default branch that is not valid,
    right = await break_policy(world)
    # when a pull request makes it valid and touches nothing else,
    number = await world.open({POLICY: right})
    await world.idle()
    # then its checks let it be merged, and nobody is told that the file is not valid.
    assert world.check(number, "gatewright/policy").conclusion == "success"
    assert world.conclusions(number) == ("neutral", "neutral")
    assert world.watch(number).comments() == []
    # And so do those of its group in the merge queue.
    group = await world.github.queue(world.repo, number, author=DEV)
    await world.idle()
    assert answers(world, group, count=3) == {"plan": "neutral", "apply": "neutral", "parity": "neutral"}
    # When it is merged, then pull requests are planned again.
    await world.github.merge(world.repo, number, author=DEV)
    await world.told(number)
    other = await world.open_staging_change("Repaired", branch="other")
    await world.hear(other, kind="plan", env="staging", status="planned")
    await world.told(other)


async def test_a_repair_that_changes_more_gets_no_neutral_checks(world: World) -> None:
    # Given a policy on the default branch that is not valid,
    right = await break_policy(world)
    # when a pull request repairs it and changes an environment, too,
    number = await world.open({POLICY: right, STAGING: await world.staging("Smuggled")})
    await world.refused(number, "config")
    await world.idle()
    # then only the check of policies is there, and says what to do.
    checks = world.github.check_runs(world.repo, world.head(number))
    assert [run.name for run in checks] == ["gatewright/policy"]
    assert "in a pull request that changes nothing else" in (checks[0].summary or "")


async def test_another_broken_policy_repairs_nothing(world: World) -> None:
    # Given a policy on the default branch that is not valid,
    right = await break_policy(world)
    # when a pull request replaces it by another one that is not,
    number = await world.open({POLICY: right.replace("autoplan: true", "autoplan: maybe", 1)})
    await world.refused(number, "config")
    await world.idle()
    # then the check of policies is red, and the others do not let it pass.
    checks = world.github.check_runs(world.repo, world.head(number))
    assert [(run.name, run.conclusion) for run in checks] == [("gatewright/policy", "failure")]


async def test_a_repair_from_a_fork_gets_no_neutral_checks(world: World) -> None:
    # Given a policy on the default branch that is not valid,
    right = await break_policy(world)
    # when a pull request from a fork makes it valid, with whatever else it may allow,
    fork = await world.github.open_pull(
        world.repo, author=OUTSIDER, branch="gift", files={POLICY: right}, fork=OUTSIDER
    )
    await world.refused(fork.number, "fork")
    await world.idle()
    # then it is told what it would change, and required checks still wait.
    checks = world.github.check_runs(world.repo, world.head(fork.number))
    assert [(run.name, run.conclusion) for run in checks] == [("gatewright/policy", "success")]
