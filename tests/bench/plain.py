"""What a person would type: init, plan to a file, show as JSON, in a fresh directory."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path

from bot.playground.stack import Playground
from tests.bench.module import ENV, Module, var_file

_BACKEND = """\
terraform {{
  backend "s3" {{
    bucket                      = "{bucket}"
    key                         = "{key}"
    region                      = "auto"
    endpoints                   = {{ s3 = "{endpoint}" }}
    use_path_style              = true
    use_lockfile                = true
    skip_s3_checksum            = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
  }}
}}
"""


class PlainError(Exception):
    """Terraform itself failed; there is nothing to compare with."""


async def plain_plan(
    playground: Playground, module: Module, generation: int, *, env: str = ENV
) -> dict[str, float]:
    """Plan once without Gatewright; returns seconds per command, and their sum as `all`."""
    place = playground.directory / "plain" / module.name / f"{env}-{generation}"
    shutil.rmtree(place, ignore_errors=True)
    for path, text in {**module.files(), **module.changes(generation)}.items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    root = place / "terraform"
    backend = _BACKEND.format(
        bucket=playground.s3.state_bucket, key=module.state_key(env), endpoint=playground.s3.endpoint_url
    )
    (root / "backend_override.tf").write_text(backend, encoding="utf-8")
    environment = _environment(playground, place, env)
    seconds: dict[str, float] = {}
    for name, arguments in {
        "init": ("init", "-input=false"),
        "plan": ("plan", "-input=false", "-out=plan", f"-var-file=../{var_file(env)}"),
        "show": ("show", "-json", "plan"),
    }.items():
        started = time.perf_counter()
        await _terraform(playground.engine.binary, *arguments, cwd=root, environment=environment)
        seconds[name] = time.perf_counter() - started
    shutil.rmtree(place)
    return {**seconds, "all": sum(seconds.values())}


async def _terraform(binary: Path, *arguments: str, cwd: Path, environment: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        str(binary),
        *arguments,
        cwd=cwd,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise PlainError(f"terraform {arguments[0]}: {output.decode(errors='replace')[-2000:]}")


def _environment(playground: Playground, home: Path, env: str) -> dict[str, str]:
    keys = playground.s3.credentials(env, "apply")
    return {
        "PATH": os.defpath,
        "HOME": str(home),
        "TF_CLI_CONFIG_FILE": os.devnull,
        "CHECKPOINT_DISABLE": "1",
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
    }
