from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from bot.adapters.terraform import Sandbox, SandboxError
from bot.domain.core.errors import GatewrightError
from tests.integration.terraform.bench import ONE_RESOURCE, Bench
from tests.integration.terraform.state_server import ACCESS_KEY_ID, SECRET_ACCESS_KEY

EXPECTED_NAMES = {
    "PATH",
    "HOME",
    "TF_CLI_CONFIG_FILE",
    "TF_DATA_DIR",
    "TF_IN_AUTOMATION",
    "TF_INPUT",
    "TF_WORKSPACE",
    "CHECKPOINT_DISABLE",
    "AWS_REQUEST_CHECKSUM_CALCULATION",
    "AWS_RESPONSE_CHECKSUM_VALIDATION",
    "AWS_EC2_METADATA_DISABLED",
}
SET_BY_THE_SHELL = {"PWD", "OLDPWD", "SHLVL", "_", "TF_VAR_name"}

HOME_PATH = """
resource "terraform_data" "config" {
  input = pathexpand("~/.kube/config")
}
"""


def provisioner(command: str) -> str:
    """Return a module whose apply runs a shell command in the root module."""
    return f"""
    resource "terraform_data" "one" {{
      provisioner "local-exec" {{
        command = <<-EOT
          {command}
        EOT
      }}
    }}
    """


async def test_terraform_code_sees_only_the_stacks_own_environment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWRIGHT_WEBHOOK_SECRET", "of the bot")
    monkeypatch.setenv("AWS_PROFILE", "of the bot")
    bench.write({"terraform/main.tf": provisioner("tr '\\0' '\\n' < /proc/$PPID/environ > env.txt")})
    given = {"AWS_ACCESS_KEY_ID": "of the provider", "TF_VAR_name": "x"}

    applied = await bench.apply(await bench.plan(environment=given), environment=given)

    assert applied.exit_code == 0, applied.log_tail
    seen = dict(
        line.split("=", 1) for line in (bench.slot.tree / "terraform/env.txt").read_text().splitlines()
    )
    assert set(seen) - SET_BY_THE_SHELL == EXPECTED_NAMES | {"AWS_ACCESS_KEY_ID"}
    assert seen["AWS_ACCESS_KEY_ID"] == "of the provider"


@pytest.mark.parametrize("name", ["TF_CLI_ARGS_apply", "TF_WORKSPACE", "TF_LOG", "PATH", "HOME"])
async def test_a_stacks_environment_cannot_steer_terraform_itself(open_bench: Bench, name: str) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})

    with pytest.raises(GatewrightError, match=name):
        await open_bench.plan(environment={name: "x"})


async def test_the_state_key_pair_is_nowhere_after_the_run(bench: Bench) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE})

    plan = await bench.plan()
    await bench.apply(plan)

    everything = [path for path in bench.root.rglob("*") if path.is_file()]
    assert plan.plan_file in everything
    assert bench.slot.data_dir / "terraform.tfstate" in everything
    for secret in (ACCESS_KEY_ID.encode(), SECRET_ACCESS_KEY.encode()):
        assert [path for path in everything if secret in path.read_bytes()] == []
    with zipfile.ZipFile(plan.plan_file) as archive:
        parts = [archive.read(name) for name in archive.namelist()]
    assert [part for part in parts if SECRET_ACCESS_KEY.encode() in part] == []


async def test_the_key_pair_is_removed_after_a_failure_too(bench: Bench) -> None:
    bench.write({"terraform/main.tf": "this is not HCL"})

    with pytest.raises(GatewrightError):
        await bench.plan()

    assert not (bench.slot.scratch / "terraform" / "credentials").exists()


async def test_sandboxed_code_cannot_read_what_lies_outside(sandboxed_bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "master.key"
    secret.write_text("x")
    looks = " ".join(
        f"if [ -r {path} ]; then echo {path} >> found.txt; fi;"
        for path in (
            secret,
            sandboxed_bench.slot.scratch,
            sandboxed_bench.slot.tree,
            Path("/root"),
            Path("/home"),
            Path("/etc/shadow"),
            Path("/etc/hostname"),
            Path("/var"),
            Path("/work/terraform"),
        )
    )
    sandboxed_bench.write({"terraform/main.tf": provisioner(looks)})

    applied = await sandboxed_bench.apply(await sandboxed_bench.plan())

    assert applied.exit_code == 0, applied.log_tail
    found = (sandboxed_bench.slot.tree / "terraform/found.txt").read_text().split()
    assert found == ["/work/terraform"]


async def test_sandboxed_code_sees_no_process_of_the_bot(
    sandboxed_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWRIGHT_WEBHOOK_SECRET", "of the bot")
    sandboxed_bench.write(
        {
            "terraform/main.tf": provisioner(
                "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline >> seen.txt; echo >> seen.txt; done; "
                "cat /proc/*/environ | tr '\\0' '\\n' >> environments.txt"
            )
        }
    )

    applied = await sandboxed_bench.apply(await sandboxed_bench.plan(), keep_fds=())

    assert applied.exit_code == 0, applied.log_tail
    seen = (sandboxed_bench.slot.tree / "terraform/seen.txt").read_text()
    environments = (sandboxed_bench.slot.tree / "terraform/environments.txt").read_text()
    assert "terraform apply" in seen
    assert "bwrap" not in seen
    assert "pytest" not in seen
    assert "TF_IN_AUTOMATION" in environments
    assert "PYTEST" not in environments
    assert "GATEWRIGHT" not in environments


async def test_only_init_can_write_the_data_directory(sandboxed_bench: Bench) -> None:
    sandboxed_bench.write(
        {"terraform/main.tf": provisioner("touch $TF_DATA_DIR/planted || echo read-only > result.txt")}
    )

    applied = await sandboxed_bench.apply(await sandboxed_bench.plan())

    assert applied.exit_code == 0, applied.log_tail
    assert (sandboxed_bench.slot.tree / "terraform/result.txt").read_text() == "read-only\n"


async def test_a_home_directory_has_the_same_path_for_every_step(bench: Bench) -> None:
    # Given code with a path below its home, planned where more steps run than before its apply,
    bench.write({"terraform/main.tf": HOME_PATH})
    plan = await bench.plan()
    # when it is applied and planned again,
    applied = await bench.apply(plan)
    again = await bench.plan()
    # then the path is still the same.
    assert applied.exit_code == 0, applied.log_tail
    assert [change["change"]["actions"] for change in again.json["resource_changes"]] == [["no-op"]]


async def test_a_home_directory_is_empty_for_every_step(bench: Bench) -> None:
    # Given an apply that leaves files and a link at home,
    leaves = provisioner("mkdir $HOME/.ssh && touch $HOME/.gitconfig && ln -s / $HOME/.root")
    bench.write({"terraform/main.tf": leaves})
    applied = await bench.apply(await bench.plan())
    assert applied.exit_code == 0, applied.log_tail
    # when more is applied in the same slot,
    looks = provisioner("find $HOME -mindepth 1 > found.txt").replace('"one"', '"two"')
    bench.write({"terraform/main.tf": leaves + looks})
    applied = await bench.apply(await bench.plan())
    # then nothing of that is there.
    assert applied.exit_code == 0, applied.log_tail
    assert (bench.slot.tree / "terraform/found.txt").read_text() == ""


async def test_what_a_provisioner_leaves_running_ends_with_terraform(bench: Bench) -> None:
    bench.write(
        {
            "terraform/main.tf": provisioner(
                "(sleep 600; touch late.txt) > /dev/null 2>&1 & echo $! > pid.txt; readlink /proc/self/ns/pid"
            )
        }
    )
    locked = os.open(bench.root / "lock", os.O_CREAT | os.O_RDWR)
    reader, writer = os.pipe()

    applied = await bench.apply(await bench.plan(), keep_fds=(locked, writer))
    os.close(writer)
    os.close(locked)

    # The pipe is at its end only when nobody holds the inherited descriptor any more.
    assert applied.exit_code == 0, applied.log_tail
    assert os.read(reader, 1) == b""
    os.close(reader)


async def test_the_sandbox_proves_that_it_works(sandboxed_bench: Bench) -> None:
    assert sandboxed_bench.root.parent.exists()

    await Sandbox().prove()


async def test_a_missing_bubblewrap_is_told() -> None:
    with pytest.raises(SandboxError, match="no `no-such-bwrap` on this machine"):
        await Sandbox(program="no-such-bwrap").prove()


async def test_a_bubblewrap_that_may_not_make_namespaces_is_told(tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o700)

    with pytest.raises(SandboxError, match="No permissions to create new namespace"):
        await Sandbox(program=str(program)).prove()


async def test_a_bubblewrap_that_hides_nothing_is_told(tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 1\nexit 1\n")
    program.chmod(0o700)

    with pytest.raises(SandboxError, match="must hide can be seen"):
        await Sandbox(program=str(program)).prove()
