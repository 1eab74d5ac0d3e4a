"""What a plan was given, its apply is given again; and which step is given which credentials."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.terraform import Sandbox, TerraformCli
from bot.domain.core.errors import GatewrightError
from tests.integration.terraform.bench import ONE_RESOURCE, Bench

_EPHEMERAL = """
variable "word" {
  type      = string
  ephemeral = true
}
variable "number" { type = string }
variable "settings" {
  type = object({ names = set(string), on = optional(bool, true) })
}
variable "hidden" {
  type      = list(string)
  sensitive = true
}
resource "terraform_data" "word" {
  input = [var.number, var.settings, var.hidden]
  provisioner "local-exec" {
    command     = "echo $WORD > word.txt"
    environment = { WORD = var.word }
  }
}
"""
_VAR_FILE = "envs/staging.tfvars"
_VALUES = 'word = "sesame"\nnumber = 3\nsettings = { names = ["b", "a"] }\nhidden = ["x"]\n'
_SPY = """
output "names" {
  value = join(" ", regexall("[A-Za-z_0-9]+=", file("/proc/self/environ")))
}
"""
_GIVEN = {"CLOUD_KEY": "cloud-secret", "TF_VAR_size": "3", "TF_TOKEN_registry_example_com": "registry-secret"}
_ACCESS = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.x/.extraheader", "GIT_CONFIG_VALUE_0": "secret"}


async def test_ephemeral_values_of_the_var_file_reach_the_apply(bench: Bench) -> None:
    bench.write({"terraform/main.tf": _EPHEMERAL, _VAR_FILE: _VALUES})
    plan = await bench.plan(var_file=_VAR_FILE)
    applied = await bench.apply(plan, ephemeral_variables=("word",), var_file=_VAR_FILE)

    assert applied.exit_code == 0, applied.log_tail
    assert (bench.slot.tree / "terraform/word.txt").read_text() == "sesame\n"


async def test_an_ephemeral_value_may_be_another_one_for_the_apply(open_bench: Bench) -> None:
    open_bench.write({"terraform/main.tf": _EPHEMERAL, _VAR_FILE: _VALUES.partition("\n")[2]})
    plan = await open_bench.plan(environment={"TF_VAR_word": "of plans"}, var_file=_VAR_FILE)
    applied = await open_bench.apply(
        plan, ephemeral_variables=("word",), environment={"TF_VAR_word": "of applies"}, var_file=_VAR_FILE
    )

    assert applied.exit_code == 0, applied.log_tail
    assert (open_bench.slot.tree / "terraform/word.txt").read_text() == "of applies\n"


async def test_var_file_changed_after_the_plan_fails_the_apply(open_bench: Bench) -> None:
    open_bench.write({"terraform/main.tf": _EPHEMERAL, _VAR_FILE: _VALUES})
    plan = await open_bench.plan(var_file=_VAR_FILE)
    open_bench.write({_VAR_FILE: _VALUES.replace("3", "4")})
    applied = await open_bench.apply(plan, ephemeral_variables=("word",), var_file=_VAR_FILE)

    assert applied.exit_code == 1
    assert "number" in applied.log_tail
    assert not (open_bench.slot.tree / "terraform/word.txt").exists()


def recording(bench: Bench, sandbox: Sandbox | None) -> Bench:
    """Return a bench whose engine notes the names in the environment of `init`, where `init` may write."""
    terraform = Path(shutil.which("terraform") or "").resolve()
    engine = bench.root.parent / "terraform"
    engine.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = init ]; then env | cut -d= -f1 > "$TF_DATA_DIR/names"; fi\n'
        f'exec {terraform} "$@"\n'
    )
    engine.chmod(0o755)
    return replace(bench, terraform=TerraformCli(binary=(str(engine),), sandbox=sandbox))


@pytest.mark.parametrize("sandboxed", [False, True], ids=["open", "sandboxed"])
async def test_init_and_the_other_steps_are_given_different_credentials(
    open_bench: Bench, *, sandboxed: bool
) -> None:
    if sandboxed and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed on this machine")
    bench = recording(open_bench, Sandbox() if sandboxed else None)
    bench.write({"terraform/main.tf": ONE_RESOURCE + _SPY})

    plan = await bench.plan(environment=_GIVEN, init_environment=_ACCESS)

    by_init = set((bench.slot.data_dir / "names").read_text().split())
    by_plan = {
        name.removesuffix("=") for name in plan.json["planned_values"]["outputs"]["names"]["value"].split()
    }
    assert by_init >= {"TF_TOKEN_registry_example_com", *_ACCESS, "GIT_TERMINAL_PROMPT"}
    assert by_init.isdisjoint({"CLOUD_KEY", "TF_VAR_size"})
    assert by_plan >= {"CLOUD_KEY", "TF_VAR_size"}
    assert by_plan.isdisjoint({"TF_TOKEN_registry_example_com", *_ACCESS})


async def test_a_program_beside_terraform_has_no_tokens_of_init(bench: Bench) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE})
    job = bench.job(environment=_GIVEN, init_environment=_ACCESS)

    code, words = await bench.terraform.run_beside(job, ["env"])

    assert code == 0
    assert "CLOUD_KEY" in words
    assert "TF_TOKEN" not in words
    assert "GIT_CONFIG" not in words


async def test_what_steers_terraform_is_refused_whichever_step_it_is_for(open_bench: Bench) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})

    with pytest.raises(GatewrightError, match="TF_LOG"):
        await open_bench.plan(init_environment={"TF_LOG": "trace"})
