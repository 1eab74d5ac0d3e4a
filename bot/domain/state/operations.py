"""State operations: import an existing object, or remove one without destroying it.

Both are declared in Terraform's own language, in a file that is written for one plan, so that they are
planned, reviewed and applied like any change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.domain.commands.line import quote
from bot.domain.commands.terraform_arguments import is_managed_address, is_resource_address, resource_type
from bot.domain.core.model import OperationKind, Stack, StateOperation
from bot.domain.hcl.text import hcl_string
from bot.domain.plans.plan import Action
from bot.domain.plans.resource_changes import action_of

OPERATION_FILE: Final = "zzzz_gatewright_state_operation.tf"
"""File of the block in the root module; no checked-out tree may contain a file of this name."""

_LEAVING: Final = "gatewright_lets_go"
"""The temporary name of an instance that is removed."""
_HINTS: Final = (
    (
        OperationKind.FORGET,
        ("still exists",),
        (
            "It is still in the code of this pull request, and the next plan would create it a second time. Take its"
            " block, or its key, out in this pull request first, then ask again: what the plan of that push wants to"
            " destroy is then let go of instead."
        ),
    ),
    (
        OperationKind.IMPORT,
        ("Configuration for import target does not exist", "does not exist in the configuration"),
        "The code of this pull request has no such resource. Write its block first and push, then ask again.",
    ),
    (
        OperationKind.IMPORT,
        ("Cannot import non-existent remote object",),
        "The provider finds no object of this id with the credentials of this environment's plans.",
    ),
)


def arguments_of(operation: StateOperation) -> tuple[str, ...]:
    """Return the Terraform arguments of its plan, which limit it to this operation."""
    return tuple(
        f"-target={address}" for address in dict.fromkeys((operation.address, _leaves_as(operation)))
    )


def block(operation: StateOperation) -> str:
    """Return the Terraform block of an operation; ValueError for an invalid address."""
    if operation.kind is OperationKind.IMPORT:
        if not is_resource_address(operation.address):
            raise ValueError(f"{operation.address!r} is not the address of one resource")
        return f"import {{\n  to = {operation.address}\n  id = {hcl_string(operation.object_id or '')}\n}}\n"
    if not is_managed_address(operation.address):
        raise ValueError(f"{operation.address!r} is not the address of a managed resource or a module")
    leaves_as = _leaves_as(operation)
    moved = f"moved {{\n  from = {operation.address}\n  to   = {leaves_as}\n}}\n\n"
    removed = f"removed {{\n  from = {leaves_as}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"
    return removed if leaves_as == operation.address else moved + removed


def _leaves_as(operation: StateOperation) -> str:
    """Return the address that is removed.

    A `removed` block takes no key, so an instance is first moved to a name of its own.
    """
    if operation.kind is OperationKind.IMPORT or "[" not in operation.address:
        return operation.address
    return f"{resource_type(operation.address) or 'module'}.{_LEAVING}"


def command_of(operation: StateOperation, stack: Stack) -> str:
    """Return the comment that requests it."""
    project = "" if stack.project == "default" else f" -p {stack.project}"
    if operation.kind is OperationKind.IMPORT:
        return f"/import {stack.env} {quote(operation.address)} {quote(operation.object_id or '')}{project}"
    return f"/state rm {stack.env} {quote(operation.address)}{project}"


def orphaned_work(operation: StateOperation, plan_json: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a plan would change besides its operation, sorted, as `ADDRESS (ACTION)`.

    `-target` includes dependencies of the address, and an import may end in a replacement: neither was
    requested.
    """
    return tuple(
        sorted(
            f"{item.get('address')} ({action})"
            for item in plan_json.get("resource_changes") or ()
            if (action := action_of(item)) is not None and not _belongs(operation, item, action)
        )
    )


def _belongs(operation: StateOperation, item: Mapping[str, Any], action: Action) -> bool:
    address = str(item.get("address", ""))
    if operation.kind is OperationKind.IMPORT:
        importing = bool((item.get("change") or {}).get("importing"))
        return importing and address == operation.address and action in {Action.IMPORT, Action.CHANGE}
    before = str(item.get("previous_address") or address)
    return (
        action is Action.FORGET
        and is_part_of(address, _leaves_as(operation))
        and is_part_of(before, operation.address)
    )


def is_part_of(address: str, whole: str) -> bool:
    """Whether an address is `whole` itself, one of its instances, or inside its module."""
    return address == whole or address.startswith((f"{whole}.", f"{whole}["))


def hint(operation: StateOperation, log: str) -> str | None:
    """Return advice where Terraform rejected the block itself, else None."""
    said = " ".join(log.replace("│", " ").split())
    found = (
        text for kind, marks, text in _HINTS if kind is operation.kind and any(one in said for one in marks)
    )
    return next(found, None)
