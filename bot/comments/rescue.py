"""How a state that Terraform could not save is recovered, in commands that an operator can paste."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from bot.comments.escape import code, fence, text
from bot.domain.model import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueView:
    """One `errored.tfstate`, and the place that it belongs to."""

    stack: Stack
    machine: str
    path: str
    serial: int
    bucket: str
    region: str
    endpoint: str
    lock_id: str | None
    """Of Terraform's own lock, where that is still held."""


def rescue_part(views: Sequence[RescueView]) -> str:
    """Return the caution box and the commands; empty when nothing waits to be recovered."""
    return "".join(_one(view) for view in views)


def _one(view: RescueView) -> str:
    return (
        f"> [!CAUTION]\n> **{text(view.stack.label, limit=100)}: Terraform could not save serial {view.serial} of the"
        f" state.** What it knows is kept on Gatewright's machine {code(view.machine, limit=100)} and is never deleted."
        " Apply nothing before an"
        " operator has recovered it there, with a key pair that may write this state in `AWS_ACCESS_KEY_ID` and"
        f" `AWS_SECRET_ACCESS_KEY`:\n\n{fence(recovery_commands(view))}\n"
    )


def recovery_commands(view: RescueView) -> str:
    """Return the lines for a shell; they work in a directory of their own."""
    unlock = [f"terraform force-unlock -force {shlex.quote(view.lock_id)}"] if view.lock_id else []
    return "\n".join(
        [
            'cd "$(mktemp -d)"',
            "cat > backend.tf <<'EOF'",
            *_backend(view),
            "EOF",
            "export AWS_REQUEST_CHECKSUM_CALCULATION=when_required AWS_RESPONSE_CHECKSUM_VALIDATION=when_required",
            "terraform init -input=false",
            *unlock,
            f"terraform state push {shlex.quote(view.path)}",
        ]
    )


def _backend(view: RescueView) -> list[str]:
    """The same settings as Gatewright's own, without a key pair."""
    values: dict[str, object] = {
        "bucket": view.bucket,
        "key": view.stack.state_key,
        "region": view.region,
        "use_path_style": True,
        "use_lockfile": True,
        "skip_s3_checksum": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
        "skip_region_validation": True,
        "skip_requesting_account_id": True,
    }
    lines = [f"    {name} = {json.dumps(value)}" for name, value in values.items()]
    endpoint = f"    endpoints = {{ s3 = {json.dumps(view.endpoint)} }}"
    return ["terraform {", '  backend "s3" {', *lines, endpoint, "  }", "}"]
