from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.terraform import TerraformCli
from bot.domain.core.errors import EngineChangedError, PolicyError, TerraformError, UnsafeTreeError
from bot.ports import CHANGES, PURPOSE_FILE, READS, Engine, PlanMode
from tests.integration.terraform.bench import ENGINE, ONE_RESOURCE, SECRET, STATE_KEY, Bench
from tests.integration.terraform.state_server import StateServer

MAKES_FILES = """
resource "terraform_data" "made" {
  provisioner "local-exec" {
    command = "mkdir made && touch made/run"
  }
}
"""


async def test_what_was_planned_is_applied_and_next_plan_is_empty(bench: Bench, state: StateServer) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE, "envs/staging.tfvars": "size = 7\n"})

    plan = await bench.plan(var_file="envs/staging.tfvars")
    applied = await bench.apply(plan)
    again = await bench.plan(var_file="envs/staging.tfvars")

    assert [change["change"]["actions"] for change in plan.json["resource_changes"]] == [["create"]]
    assert "terraform_data.one will be created" in plan.text
    assert set(plan.seconds) == {"init", "plan", "show"}
    assert applied.exit_code == 0
    assert applied.outputs["size"]["value"] == 7
    assert not applied.errored_state
    assert [change["change"]["actions"] for change in again.json["resource_changes"]] == [["no-op"]]
    assert state.resources(STATE_KEY) == ["one"]
    assert f"{STATE_KEY}.tflock" not in state.stored_keys()


async def test_who_tidies_up_learns_whether_state_can_have_been_lost(open_bench: Bench) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})
    note = open_bench.slot.scratch / PURPOSE_FILE

    plan = await open_bench.plan()
    planned = note.read_text()
    await open_bench.apply(plan)
    applied = note.read_text()
    await open_bench.plan()

    assert (planned, applied, note.read_text()) == (READS, CHANGES, CHANGES)


async def test_a_destroy_plan_removes_everything(bench: Bench, state: StateServer) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE})
    await bench.apply(await bench.plan())

    plan = await bench.plan(mode=PlanMode.DESTROY)
    applied = await bench.apply(plan)

    assert [change["change"]["actions"] for change in plan.json["resource_changes"]] == [["delete"]]
    assert applied.exit_code == 0
    assert state.resources(STATE_KEY) == []


@pytest.mark.parametrize("arguments", [["-target=terraform_data.b"], ["-target", "terraform_data.b"]])
async def test_an_allowed_argument_reaches_terraform(open_bench: Bench, arguments: list[str]) -> None:
    open_bench.write(
        {"terraform/main.tf": 'resource "terraform_data" "a" {}\nresource "terraform_data" "b" {}\n'}
    )

    plan = await open_bench.plan(arguments)

    assert [change["address"] for change in plan.json["resource_changes"]] == ["terraform_data.b"]
    assert any("Resource targeting is in effect" in warning for warning in plan.warnings)


@pytest.mark.parametrize("argument", ["-out=/etc/passwd", "-lock=false", "-state=x", "positional"])
async def test_any_other_argument_is_refused_by_name(open_bench: Bench, argument: str) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})

    with pytest.raises(TerraformError, match=argument):
        await open_bench.plan([argument])


async def test_warnings_are_collected_one_by_one(open_bench: Bench) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE, "envs/staging.tfvars": 'unknown = 1\nother = "2"\n'})

    plan = await open_bench.plan(var_file="envs/staging.tfvars")

    assert [warning.splitlines()[0] for warning in plan.warnings] == ["Value for undeclared variable"] * 2
    assert '"other"' in plan.warnings[0] or '"other"' in plan.warnings[1]


async def test_an_invalid_configuration_fails_with_terraforms_own_words(bench: Bench) -> None:
    bench.write({"terraform/main.tf": 'output "x" {\n  value = terraform_data.missing.id\n}\n'})

    with pytest.raises(TerraformError) as failure:
        await bench.plan()

    assert failure.value.exit_code == 1
    assert "Reference to undeclared resource" in str(failure.value)
    assert "has not been declared in the" in failure.value.log_tail


async def test_a_failed_apply_is_told_not_raised(bench: Bench, state: StateServer) -> None:
    bench.write(
        {
            "terraform/main.tf": """
            resource "terraform_data" "good" {}
            resource "terraform_data" "bad" {
              depends_on = [terraform_data.good]
              provisioner "local-exec" {
                command = "exit 3"
              }
            }
            """
        }
    )

    applied = await bench.apply(await bench.plan())

    assert applied.exit_code == 1
    assert "local-exec provisioner error" in applied.log_tail
    assert applied.outputs == {}
    assert state.resources(STATE_KEY) == ["bad", "good"]


@pytest.mark.parametrize(
    ("command", "left"), [("exit 1", False), ("echo {} > errored.tfstate; exit 1", True)]
)
async def test_unsaved_state_is_distinguished_from_a_committed_file(
    bench: Bench, command: str, *, left: bool
) -> None:
    module = f'resource "terraform_data" "a" {{\n  provisioner "local-exec" {{\n    command = "{command}"\n  }}\n}}\n'
    bench.write({"terraform/main.tf": module, "terraform/errored.tfstate": "committed"})

    applied = await bench.apply(await bench.plan())

    assert applied.exit_code == 1
    assert applied.errored_state is left


async def test_an_apply_waits_for_a_lock_and_then_gives_up(state: StateServer, tmp_path: Path) -> None:
    bench = Bench(tmp_path, state.endpoint_url, TerraformCli(lock_timeout=1))
    bench.write({"terraform/main.tf": ONE_RESOURCE})
    state.put(f"{STATE_KEY}.tflock", '{"ID":"somebody","Operation":"OperationTypeApply","Who":"somebody"}')

    plan = await bench.plan()
    applied = await bench.apply(plan)

    assert applied.exit_code == 1
    assert "Error acquiring the state lock" in applied.log_tail
    assert state.resources(STATE_KEY) == []


async def test_known_secrets_never_leave_the_adapter(bench: Bench) -> None:
    bench.write(
        {
            "terraform/main.tf": """
            variable "password" {}
            resource "terraform_data" "one" {
              input = var.password
              provisioner "local-exec" {
                command = "echo ${var.password}; exit 1"
              }
            }
            check "password" {
              assert {
                condition     = var.password == ""
                error_message = "the password is ${var.password}"
              }
            }
            """
        }
    )
    job_environment = {"TF_VAR_password": SECRET}

    plan = await bench.plan(environment=job_environment)
    applied = await bench.apply(plan, environment=job_environment)

    assert "***" in bench.output
    assert "***" in applied.log_tail
    assert any("***" in warning for warning in plan.warnings)
    everything = (bench.output, plan.text, applied.log_tail, *plan.warnings)
    assert all(SECRET not in text for text in everything)


async def test_a_hundred_thousand_lines_arrive_in_order(bench: Bench) -> None:
    bench.write(
        {
            "terraform/main.tf": """
            resource "terraform_data" "one" {
              provisioner "local-exec" {
                command = "seq 100000"
                quiet   = true
              }
            }
            """
        }
    )

    applied = await bench.apply(await bench.plan())

    marker = "(local-exec): "
    numbers = [line.partition(marker)[2] for line in bench.lines if marker in line]
    assert [number for number in numbers if number.isdigit()] == [str(n) for n in range(1, 100_001)]
    assert applied.exit_code == 0


async def test_a_plan_file_from_elsewhere_is_applied(bench: Bench, tmp_path: Path) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE})
    plan = await bench.plan()
    elsewhere = plan.plan_file.rename(tmp_path / "restored.tfplan")

    applied = await bench.terraform.apply(bench.job(dies_with_parent=False), elsewhere, plan.code)

    assert applied.exit_code == 0


async def test_files_of_a_run_are_for_the_bot_alone(bench: Bench) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE})

    plan = await bench.plan()

    # The slot's own directories are closed as well, so that nobody reaches what lies further down.
    made = [plan.plan_file, *bench.slot.scratch.glob("*"), *bench.slot.scratch.glob("*/*")]
    assert [path for path in made if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []


async def test_what_code_makes_has_ordinary_permissions(bench: Bench) -> None:
    bench.write({"terraform/main.tf": MAKES_FILES})

    applied = await bench.apply(await bench.plan())

    assert applied.exit_code == 0, applied.log_tail
    made = [bench.slot.tree / "terraform/made", bench.slot.tree / "terraform/made/run"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o755, 0o644]


async def test_another_version_of_the_engine_is_told_with_both_versions(open_bench: Bench) -> None:
    wanted = Engine(name="terraform", version="1.12.0")

    assert await open_bench.terraform.installed(ENGINE) == ENGINE.version
    with pytest.raises(EngineChangedError, match=r"has terraform 1\.11\.4, but terraform 1\.12\.0 is wanted"):
        await open_bench.terraform.installed(wanted)


async def test_a_missing_engine_is_told_by_name(open_bench: Bench) -> None:
    with pytest.raises(EngineChangedError, match="no no-such-engine on this machine"):
        await open_bench.terraform.installed(Engine(name="no-such-engine", version="1.0.0"))


async def test_an_upgrade_of_the_engine_is_noticed_without_a_restart(tmp_path: Path) -> None:
    program = tmp_path / "terraform"
    program.write_text('#!/bin/sh\necho \'{"terraform_version": "1.0.0"}\'\n')
    program.chmod(0o700)
    terraform = TerraformCli(binary=[str(program)])
    before = await terraform.installed(Engine(name="terraform", version="1.0.0"))

    program.write_text('#!/bin/sh\necho \'{"terraform_version": "1.0.10"}\'\n')
    after = await terraform.installed(Engine(name="terraform", version="1.0.10"))

    assert (before, after) == ("1.0.0", "1.0.10")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"directory": "elsewhere"}, "the root module `elsewhere` does not exist"),
        ({"var_file": "envs/none.tfvars"}, "the var file `envs/none.tfvars` does not exist"),
    ],
    ids=["module", "var file"],
)
async def test_a_missing_module_or_var_file_is_told_by_name(
    open_bench: Bench, changes: dict[str, Any], words: str
) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})

    with pytest.raises(PolicyError, match=words):
        await open_bench.plan(**changes)


async def test_a_link_out_of_the_tree_is_unsafe(open_bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (open_bench.slot.tree / "terraform").symlink_to(tmp_path / "outside")

    with pytest.raises(UnsafeTreeError, match="leads out of the repository"):
        await open_bench.plan()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('{"deep": {"value": ' + "[" * 3000 + "]" * 3000 + "}}", "nested too deeply"),
        ('{"deep": {"value": ' + "[" * 800 + "]" * 800 + "}}", "nested deeper than 300 levels"),
        ("Killed", "did not answer with JSON"),
    ],
    ids=["cannot be parsed", "cannot be written again", "is no JSON"],
)
async def test_what_was_applied_is_applied_whatever_its_outputs_are(
    open_bench: Bench, state: StateServer, tmp_path: Path, answer: str, said: str
) -> None:
    (tmp_path / "answer").write_text(answer)
    program = tmp_path / "terraform"
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = output ]; then cat {tmp_path}/answer; else exec terraform "$@"; fi\n'
    )
    program.chmod(0o700)
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})
    odd = TerraformCli(binary=[str(program)])
    bench = Bench(root=open_bench.root, endpoint_url=open_bench.endpoint_url, terraform=odd)

    applied = await bench.apply(await bench.plan())

    assert (applied.exit_code, applied.outputs) == (0, {})
    assert state.resources(STATE_KEY) == ["one"]
    assert said in bench.output
