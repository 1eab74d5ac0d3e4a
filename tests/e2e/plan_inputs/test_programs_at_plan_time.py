"""A program of the pull request's choice runs while it is planned: nothing that it does outlives the plan unseen."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.e2e.hostile_input.scene import state_bytes
from tests.e2e.plan_inputs.conftest import MODULES
from tests.e2e.world import STAGING, World, state_objects
from tests.fakes.hostile import hostile

_MODULE: Final = 'output "word" {\n  value = "said by a module"\n}\n'
_DEPLOY: Final = """
resource "terraform_data" "deploy" {
  provisioner "local-exec" {
    command = "sh ${path.module}/deploy.sh"
  }
}
"""


def name_of(world: World) -> str:
    return world.repo.partition("/")[2]


def program(world: World, script: str) -> dict[str, str]:
    """Return files that run a script when staging is planned."""
    if not world.playground.sandbox:
        pytest.skip("there is no bubblewrap here")
    return hostile(script, only='var.environment == "staging"')


async def test_what_a_program_leaves_at_home_reaches_no_later_run(world: World) -> None:
    # Given a project that calls a pinned module of another repository,
    commit = await world.github.push(MODULES, "main", {"main.tf": _MODULE}, author="admin")
    source = f"git::{world.github.url}/{MODULES}.git?ref={commit}"
    module = f'module "word" {{\n  source = "{source}"\n}}\n'
    await world.push({"terraform/word.tf": module}, branch="main", by="admin")
    number, _ = await world.open_planned("First")
    await world.told(number)
    # and a pull request that leaves a hook for git in its home, asks for an init and fails,
    proof = world.playground.directory / "site" / f"{name_of(world)}.owned"
    hook = f"""
cat > $HOME/.gitconfig <<'END'
[core]
  hooksPath = /work/terraform/hooks
END
mkdir -p hooks
cat > hooks/post-checkout <<'END'
#!/bin/sh
cat >> main.tf <<'CODE'
resource "terraform_data" "owned" {{
  provisioner "local-exec" {{
    command = "touch {proof}"
  }}
}}
CODE
END
chmod +x hooks/post-checkout
for place in /data /data/modules/word; do cp hooks/post-checkout $place/main.tf; done
echo 'Backend initialization required, please run "terraform init"'
exit 1"""
    attack = await world.open(program(world, hook), branch="attack")
    await world.hear(attack, kind="plan", env="staging", status="failed")
    await world.told(attack)
    await world.github.close(world.repo, attack, author="dev")
    await world.idle()
    # when somebody else's change of one line is planned and applied,
    later = await world.open({STAGING: await world.staging("Later")}, branch="later")
    plan = await world.hear(later, kind="plan", env="staging", status="planned")
    await world.told(later)
    assert "owned" not in plan.body
    await world.applied(later)
    await world.told(later)
    await world.told(number)
    # then nothing of the attack has run or is in the state.
    assert not proof.exists()
    keys = [key for key in state_objects(world.playground) if name_of(world) in key.split("/")]
    states = [await asyncio.to_thread(state_bytes, world.playground, key) for key in keys]
    assert any(b"terraform_data" in state for state in states)
    assert not any(b"owned" in state for state in states)


@pytest.mark.parametrize(
    "planted",
    [
        pytest.param("ln -s ../../work/terraform/decoy {out}", id="a relative link"),
        pytest.param("ln -s /etc/hostname {out}", id="a link to a file of the machine"),
        pytest.param("ln -s /dev/null {out}", id="a link to a device"),
    ],
)
async def test_a_plan_that_is_no_plain_file_is_not_taken(world: World, planted: str) -> None:
    # Given code that puts something else where Terraform is to save its plan,
    script = planted.format(out="/gatewright/out/plan.tfplan")
    files = program(world, script)
    number = await world.open({**files, STAGING: await world.staging("Other plan")})
    # when it is planned,
    failed = await world.hear(number, kind="plan", env="staging", status="failed")
    await world.told(number)
    # then there is no plan, the comment says why, and nothing can be applied.
    assert "plan" in failed.body
    await world.comment(number, "/apply staging")
    await world.refused(number, "no_plan")
    await world.told(number)


async def test_reviewed_script_that_is_rewritten_while_planning_fails_the_plan(world: World) -> None:
    # Given a reviewed script that an apply runs, unchanged in the pull request,
    reviewed = {"terraform/deploy.sh": "echo reviewed\n", "terraform/deploy.tf": _DEPLOY}
    await world.push(reviewed, branch="main", by="admin")
    # and code that rewrites it in the working directory, with its size and time kept,
    script = (
        "touch -r deploy.sh stamp\nprintf 'echo rewritte' > deploy.sh\ntouch -r stamp deploy.sh\nrm stamp"
    )
    number = await world.open({**program(world, script), STAGING: await world.staging("Rewritten")})
    # when it is planned, then there is no plan, and the comment names the file.
    failed = await world.hear(number, kind="plan", env="staging", status="failed", reason="tree_changed")
    await world.told(number)
    assert "terraform/deploy.sh" in failed.body


async def test_files_added_by_a_plan_reach_its_own_apply_alone(world: World) -> None:
    # Given code that packs something while it is planned, and reads it when it is applied,
    proof = world.playground.directory / "site" / f"{name_of(world)}.packed"
    reads = f"""
resource "terraform_data" "packed" {{
  provisioner "local-exec" {{
    command = "cp ${{path.module}}/builds/x.zip '{proof}'"
  }}
}}
"""
    files = program(world, "mkdir -p builds\necho packed > builds/x.zip")
    number = await world.open({**files, "terraform/packed.tf": reads, STAGING: await world.staging("Packed")})
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    # when it is applied, then the plan has named the file, and the apply has found it.
    assert "terraform/builds/x.zip" in plan.body
    await world.applied(number)
    await world.told(number)
    assert proof.read_text() == "packed\n"


# All names that are refused: `tests/integration/workspace/test_left_behind.py`.
@pytest.mark.parametrize("name", ["more.tf", ".gitattributes"])
async def test_files_that_terraform_or_git_would_read_are_not_accepted(world: World, name: str) -> None:
    # Given code that adds a file which Terraform or git reads by itself,
    script = f"mkdir -p $(dirname {name})\necho > {name}"
    number = await world.open({**program(world, script), STAGING: await world.staging("More")})
    # when it is planned, then there is no plan, and the comment names the file.
    failed = await world.hear(number, kind="plan", env="staging", status="failed", reason="tree_changed")
    await world.told(number)
    assert f"terraform/{name}" in failed.body


async def test_an_engine_cannot_be_looked_into_by_what_it_starts(world: World) -> None:
    # Given a program that tries to write where the engine writes, and to read its memory,
    script = """
for way in fd/1 fd/2 mem environ; do
  if cat /proc/1/$way >/dev/null 2>&1; then echo "reads $way" >> seen.txt; fi
done
if echo forged > /proc/1/fd/1; then echo "writes" >> seen.txt; fi
echo end >> seen.txt"""
    proof = world.playground.directory / "site" / f"{name_of(world)}.seen"
    reads = f"""
resource "terraform_data" "seen" {{
  provisioner "local-exec" {{
    command = "cp ${{path.module}}/seen.txt '{proof}'"
  }}
}}
"""
    files = {**program(world, script), "terraform/seen.tf": reads}
    number = await world.open({**files, STAGING: await world.staging("Look")})
    # when it is planned, and applied to see what it has found,
    plan = await world.hear(number, kind="plan", env="staging", status="planned")
    await world.told(number)
    await world.applied(number)
    await world.told(number)
    # then everything was closed to it.
    assert "terraform/seen.txt" in plan.body
    assert proof.read_text() == "end\n"
