"""The server and `gatewright local` run the same commands, with the same files and the same environment."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.local import command
from bot.local.checkout import Wanted
from bot.playground.engine import find
from bot.playground.seed import REPO, files, seed
from bot.playground.stack import Playground
from bot.playground.watch import Watch
from tests.e2e.world import next_second

_RECORDER = '''#!{python} -IS
"""Terraform that writes down how it was called."""
import json, os, pathlib, sys
if sys.argv[1] != "version":
    here = pathlib.Path.cwd()
    file = here / "zzzz_gatewright_backend_override.tf"
    pair = pathlib.Path(os.environ["TF_CLI_CONFIG_FILE"]).parent / "credentials"
    call = dict(
        argv=sys.argv[1:], env=dict(os.environ), cwd=str(here),
        backend=file.read_text() if file.exists() else "",
        pair=pair.read_text() if pair.exists() else "",
        config=pathlib.Path(os.environ["TF_CLI_CONFIG_FILE"]).read_text(),
    )
    with open({record!r}, "a") as out:
        out.write(json.dumps(call) + "\\n")
os.execv({terraform!r}, [{terraform!r}, *sys.argv[1:]])
'''


class Recorder:
    """Stands before the real Terraform, and lists its calls."""

    def __init__(self, directory: Path, terraform: Path) -> None:
        self.program = directory / "recorder"
        self._record = directory / "calls"
        text = _RECORDER.format(python=sys.executable, record=str(self._record), terraform=str(terraform))
        self.program.write_text(text)
        self.program.chmod(0o755)

    def take(self) -> Sequence[Mapping[str, Any]]:
        """Return the calls since the last time, with the places written as names."""
        lines = self._record.read_text().splitlines() if self._record.exists() else []
        self._record.unlink(missing_ok=True)
        return [_placeless(line) for line in lines]


def _placeless(line: str) -> Mapping[str, Any]:
    call = json.loads(line)
    tree = call["cwd"].removesuffix("/terraform")
    for place, name in (
        (call["env"]["TF_DATA_DIR"], "DATA"),
        (str(Path(call["env"]["HOME"]).parent), "STEP"),
        (str(Path(call["env"]["TF_CLI_CONFIG_FILE"]).parent), "BOX"),
        (str(Path(call["env"]["TF_CLI_CONFIG_FILE"]).parents[1]), "SCRATCH"),
        (tree, "TREE"),
    ):
        line = line.replace(json.dumps(place)[1:-1], name)
    found: Mapping[str, Any] = json.loads(line)
    return found


def _called(calls: Sequence[Mapping[str, Any]], name: str, env: str = "staging") -> Mapping[str, Any]:
    """Return the one call of a subcommand for an environment."""
    found = [
        call for call in calls if call["argv"][0] == name and f"{env}/terraform.tfstate" in call["backend"]
    ]
    (one,) = found
    return one


async def test_local_runs_what_the_server_runs(tmp_path: Path) -> None:
    # Given a server whose Terraform is written down, and a pull request that is planned and applied,
    recorder = Recorder(tmp_path, (await find(tmp_path)).binary)
    own = Playground(
        directory=tmp_path / "playground",
        extra={"GATEWRIGHT_TERRAFORM_BINARY": str(recorder.program), "GATEWRIGHT_SANDBOX": "off"},
    )
    await own.start()
    try:
        await seed(own)
        tree = files(own.engine.version)
        changed = tree["envs/staging.tfvars"].replace(*_old_and_new(tree["envs/staging.tfvars"]))
        pull = await own.github.open_pull(
            REPO, author="dev", branch="both", files={"envs/staging.tfvars": changed}
        )
        seen = Watch(github=own.github, repo=REPO, number=pull.number)
        told = await seen.hear({"kind": "plan", "env": "staging", "status": "planned"})
        server_plan = recorder.take()

        # when the same commit is planned and, as an environment of this machine, applied locally,
        root = tmp_path / "checkout"
        for name, text in {**tree, "envs/staging.tfvars": changed}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        settings = {
            **own.environment(),
            "GATEWRIGHT_LOCAL_DIR": str(tmp_path / "cache"),
            "GATEWRIGHT_SANDBOX_BINDS": "[]",
        }
        settings.pop("GATEWRIGHT_GITHUB_PRIVATE_KEY")
        env_file = tmp_path / "all.env"
        env_file.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
        place = command.Place(directory=root, env_file=env_file)
        wanted = Wanted(env="staging", project=None, user=None, pull=None)
        said: list[str] = []
        assert await command.plan(place, wanted, said.append) == 0
        local_plan = recorder.take()
        assert "state before: none yet" in said

        # and the server applies it,
        await next_second()
        await own.github.comment(REPO, pull.number, body="/apply staging", author="dev")
        await seen.hear({"kind": "apply", "env": "staging", "status": "applied"})
        server_apply = recorder.take()
        policy = root / "gatewright.yaml"
        policy.write_text(_local_staging(policy.read_text()))
        (root / "envs/staging.tfvars").write_text(changed.replace("Hello", "Bye"))
        assert await command.apply(place, wanted, said.append, lambda _: True) == 0
        local_apply = recorder.take()
    finally:
        await own.stop(keep=False)

    # then each subcommand had the same arguments, backend, key pair, configuration and environment.
    for name in ("init", "plan"):
        assert _called(local_plan, name) == _called(server_plan, name)
    assert _called(local_apply, "apply") == _called(server_apply, "apply")
    assert _called(local_apply, "apply")["pair"] != _called(local_plan, "plan")["pair"]
    assert told.header["plan"]
    assert any(line.startswith("applied") for line in said)


def _old_and_new(text: str) -> tuple[str, str]:
    found = re.search(r'^message\s*= "([^"]*)"', text, re.MULTILINE)
    assert found is not None
    return found[1], "Hello from both"


def _local_staging(text: str) -> str:
    """Return a policy in which staging is an environment of this machine, which no server would believe."""
    data = {
        "version": 1,
        "terraform": {"engine": "terraform", "version": _version(text)},
        "environments": {
            "staging": {
                "state_key": "staging/terraform.tfstate",
                "var_file": "envs/staging.tfvars",
                "trigger": "local",
            }
        },
    }
    return json.dumps(data)


def _version(text: str) -> str:
    found = re.search(r'version: "([0-9.]+)"', text)
    assert found is not None
    return found[1]
