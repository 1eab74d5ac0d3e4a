"""How to recover a state that Terraform could not save, as commands for an operator."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.comments.markdown.escape import code, fence, text
from bot.comments.runs.state_commands import CHECKSUMS, Kept, backend_lines
from bot.domain.core.model import Stack


class InBucket(StrEnum):
    """What is in the bucket at the place of the state; Terraform handles each case differently."""

    OLDER = "older"
    MISSING = "missing"
    """Terraform would store a pushed state with a new lineage and serial 1, and report success."""
    OTHER_LINEAGE = "other_lineage"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"


_AGAIN: Final = "then comment `/status` again for the commands that recover it."
_NO_COMMANDS: Final = {
    InBucket.DAMAGED: (
        "What is in the bucket is no readable state, and Terraform pushes nothing over it: an operator moves that object"
        f" away, {_AGAIN}"
    ),
    InBucket.UNKNOWN: f"The state in the bucket cannot be looked at now: wait until it can, {_AGAIN}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueView:
    """One `errored.tfstate` and the place where it belongs."""

    stack: Stack
    machine: str
    path: str
    serial: int
    bucket: str
    region: str
    endpoint: str
    lock_id: str | None
    """Id of Terraform's own lock, if it is still held."""
    in_bucket: InBucket


def rescue_part(views: Sequence[RescueView]) -> str:
    """Return the caution box and the commands; empty if there is nothing to recover."""
    return "".join(_one(view) for view in views)


def _one(view: RescueView) -> str:
    known = (
        f"> [!CAUTION]\n> **{text(view.stack.label, limit=100)}: Terraform could not save serial {view.serial} of the"
        f" state.** What it knows is kept on Gatewright's machine {code(view.machine, limit=100)} and is never deleted."
    )
    if view.in_bucket in _NO_COMMANDS:
        place = f"{code(view.path, limit=500)}"
        return (
            f"{known} Apply nothing before it is recovered from {place}. {_NO_COMMANDS[view.in_bucket]}\n\n"
        )
    return (
        f"{known} Apply nothing before an"
        " operator has recovered it there, with a key pair that may write this state in `AWS_ACCESS_KEY_ID` and"
        f" `AWS_SECRET_ACCESS_KEY`{_warning(view)}:\n\n{fence(recovery_commands(view))}\n"
    )


def _warning(view: RescueView) -> str:
    if view.in_bucket is InBucket.MISSING:
        return (
            ". There is no state in the bucket, so it is pushed twice: the first time, Terraform gives it a new lineage,"
            " and the second time its own again"
        )
    if view.in_bucket is InBucket.OTHER_LINEAGE:
        return (
            ". **The state in the bucket has another lineage**, as one has that was pushed while there was none; these"
            " commands replace it, and whatever only it knows is forgotten, so compare `terraform state pull` with what"
            " is kept first"
        )
    return ""


def recovery_commands(view: RescueView) -> str:
    """Return the shell commands; they work in a directory of their own."""
    unlock = [f"terraform force-unlock -force {shlex.quote(view.lock_id)}"] if view.lock_id else []
    return "\n".join(
        [
            'cd "$(mktemp -d)"',
            "cat > backend.tf <<'EOF'",
            *backend_lines(
                Kept(
                    bucket=view.bucket,
                    key=view.stack.state_key,
                    region=view.region,
                    endpoint=view.endpoint,
                )
            ),
            "EOF",
            CHECKSUMS,
            "terraform init -input=false",
            *unlock,
            _push(view),
        ]
    )


def _push(view: RescueView) -> str:
    """Use `-force` only over what the previous line created, or the operator has compared."""
    path = shlex.quote(view.path)
    plain, forced = f"terraform state push {path}", f"terraform state push -force {path}"
    match view.in_bucket:
        case InBucket.MISSING:
            return f"{plain} && {forced}"
        case InBucket.OTHER_LINEAGE:
            return forced
        case _:
            return plain
