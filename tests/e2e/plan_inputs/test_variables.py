"""What was planned is what is applied: plans and applies are given the same variables, or are refused by name."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.e2e.plan_inputs.conftest import EXTRA, LOGIN, ROTATED
from tests.e2e.world import STAGING, World

_LOGIN = 'variable "login" {\n  default = "insecure"\n}\nresource "terraform_data" "login" {\n  input = var.login\n}\n'


def ephemeral(name: str, place: Path) -> str:
    """Return code that writes down the value of an ephemeral variable when it is applied or destroyed."""
    return f"""
variable "{name}" {{
  type      = string
  ephemeral = true
}}

resource "terraform_data" "{name}" {{
  provisioner "local-exec" {{
    interpreter = ["/bin/sh", "-c"]
    command     = "echo $VALUE > '{place}'"
    environment = {{ VALUE = var.{name} }}
  }}
}}
"""


def written(world: World) -> Path:
    """Return a file that applies may write."""
    return world.playground.directory / "site" / f"{world.repo.partition('/')[2]}.value"


async def test_an_ephemeral_variable_of_the_var_file_plans_and_applies(world: World) -> None:
    # Given code with an ephemeral variable, whose value the var file gives,
    code, values = ephemeral("code_word", written(world)), 'code_word = "open sesame"\n'
    number = await world.open(
        {"terraform/word.tf": code, STAGING: await world.staging("Word") + values},
    )
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    # when it is applied,
    await world.applied(number)
    await world.told(number)
    # then the apply was given it, too.
    assert written(world).read_text() == "open sesame\n"


async def test_a_variable_of_applies_alone_is_refused_by_name(world: World) -> None:
    # Given code with a default that the server's settings are to replace, but only for applies,
    number = await world.open({"terraform/login.tf": _LOGIN, STAGING: await world.staging("Login")})
    # when it is planned,
    failed = await world.hear(number, kind="plan", env="staging", status="failed")
    await world.told(number)
    # then it is refused with both names of the setting, and without its value,
    assert failed.header["reason"] == "inputs_differ"
    assert "`STAGING_TF_VAR_login` is set, `STAGING_PLAN_TF_VAR_login` is not" in failed.body
    assert "```\n/plan\n```" in failed.body
    assert LOGIN not in failed.body
    assert [run["failure_class"] for run in world.runs(kind="plan") if run["env"] == "staging"] == ["CONFIG"]
    # and doctor says the same.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "doctor"),
        env=world.playground.environment(),
        cwd=world.playground.directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 1
    assert "STAGING_TF_VAR_login is set, STAGING_PLAN_TF_VAR_login is not" in said
    assert "STAGING_TF_VAR_rotated and STAGING_PLAN_TF_VAR_rotated have different values" in said
    assert not any(value in said for value in (LOGIN, *ROTATED.values()))


async def test_an_ephemeral_value_may_differ_between_plans_and_applies(world: World) -> None:
    # Given an ephemeral variable of which the server gives applies another value,
    number = await world.open(
        {
            "terraform/rotated.tf": ephemeral("rotated", written(world)),
            STAGING: await world.staging("Rotated"),
        }
    )
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    # when it is applied,
    said = await world.applied(number)
    await world.told(number)
    # then the apply had its own, and no comment has either.
    assert written(world).read_text().strip() == ROTATED["apply"]
    assert not any(value in said.body for value in ROTATED.values())


async def test_a_difference_that_came_after_the_plan_refuses_the_apply(world: World) -> None:
    # Given a plan of code with a variable that nobody gives a value,
    code = _LOGIN.replace("login", "late")
    number = await world.open({"terraform/late.tf": code, STAGING: await world.staging("Late")})
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    await world.idle()
    # when the server is given one for applies alone, and it is applied,
    playground = world.playground
    await playground.bot.stop()
    playground.extra = {**EXTRA, "STAGING_TF_VAR_late": "too-late-for-the-plan-77"}
    await playground.start_bot()
    try:
        await world.comment(number, "/apply staging")
        refused = await world.refused(number, "inputs_differ")
        await world.told(number)
    finally:
        await playground.bot.stop()
        playground.extra = EXTRA
        await playground.start_bot()
    # then nothing was applied, and the comment says what to set.
    assert "`STAGING_TF_VAR_late` is set, `STAGING_PLAN_TF_VAR_late` is not" in refused.body
    assert "too-late-for-the-plan-77" not in refused.body
    assert world.releases() == []


async def test_a_pull_requests_environment_lives_and_dies_with_ephemeral_variables(
    town: World,
) -> None:
    # Given an ephemeral variable in the var file of test,
    place, var_file = written(town), await town.read("envs/test.tfvars")
    number = await town.open(
        {
            "terraform/word.tf": ephemeral("code_word", place),
            "envs/test.tfvars": f'{var_file}\ncode_word = "of a pull request"\n',
            STAGING: await town.staging("Word") + 'code_word = "of staging"\n',
        }
    )
    # when the pull request is opened, test is applied automatically,
    await town.hear(number, kind="apply", env="test", status="applied")
    await town.told(number)
    assert place.read_text() == "of a pull request\n"
    # and when it is closed, test is destroyed.
    await town.github.close(town.repo, number, author="dev")
    await town.ended("destroy", "succeeded")
    await town.told(number)


async def test_a_revert_is_applied_with_ephemeral_variables(world: World) -> None:
    # Given two releases with an ephemeral variable in their var file,
    place, values = written(world), 'code_word = "open sesame"\n'
    number = await world.open(
        {"terraform/word.tf": ephemeral("code_word", place), STAGING: await world.staging("One") + values}
    )
    await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    await world.applied(number)
    head = await world.push({STAGING: await world.staging("Two") + values})
    await world.hear(number, kind="plan", env="staging", status="planned", head=head)
    await world.told(number)
    await world.applied(number)
    await world.told(number)
    # when the first is planned again and applied,
    await world.comment(number, "/revert staging")
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    await world.comment(number, f"/apply staging {plan.header['plan']}")
    await world.ended("revert", "succeeded")
    await world.told(number)
    # then it is in place.
    assert "One" in await world.page("staging/")
