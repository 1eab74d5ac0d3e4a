from __future__ import annotations

import asyncio
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
_PATH = f"/usr/local/bin{os.pathsep}{os.defpath}"


@dataclass(kw_only=True)
class Module:
    """A copy of the reference module with a state of its own and a directory for its sites."""

    directory: Path
    program: str
    variables: dict[str, str] = field(default_factory=dict)
    """Terraform variables given by environment, as credentials of an environment are."""

    @property
    def sites(self) -> Path:
        """Where the module writes when `site_root` says so."""
        return self.directory / "sites"

    async def run(self, *arguments: str, accept: tuple[int, ...] = (0,)) -> str:
        """Run Terraform in the root module; returns what it printed."""
        environment = {f"TF_VAR_{name}": value for name, value in self.variables.items()}
        process = await asyncio.create_subprocess_exec(
            self.program,
            *arguments,
            cwd=self.directory / "terraform",
            env={
                "PATH": _PATH,
                "HOME": str(self.directory),
                "TF_CLI_CONFIG_FILE": str(self.directory / "cli.tfrc"),
                "TF_IN_AUTOMATION": "1",
                "TF_INPUT": "0",
                "CHECKPOINT_DISABLE": "1",
                **environment,
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode in accept, output.decode()
        return output.decode()

    async def plan(self, env: str, *arguments: str) -> dict[str, Any]:
        """Plan an environment to `plan` and return the plan's JSON."""
        await self.run("plan", "-no-color", f"-var-file=../envs/{env}.tfvars", "-out=plan", *arguments)
        shown: dict[str, Any] = json.loads(await self.run("show", "-json", "plan"))
        return shown

    async def apply(self) -> None:
        """Apply the plan made last."""
        await self.run("apply", "-no-color", "plan")

    def edit(self, env: str, old: str, new: str) -> None:
        """Change the var file of an environment."""
        file = self.directory / "envs" / f"{env}.tfvars"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))


def _copy(directory: Path) -> None:
    for name in ("terraform", "envs"):
        shutil.copytree(
            ROOT / name, directory / name, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
        )
    (directory / "sites").mkdir()
    (directory / "cli.tfrc").write_text("disable_checkpoint = true\n")


@pytest.fixture
async def module(tmp_path: Path) -> Module:
    program = shutil.which("terraform", path=_PATH)
    if program is None:
        pytest.skip("terraform is not on this machine")
    _copy(tmp_path)
    made = Module(directory=tmp_path, program=program)
    await made.run("init", "-no-color")
    return made
