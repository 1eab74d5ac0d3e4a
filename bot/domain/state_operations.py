"""Changes of a state alone: taking an object that exists into it, and letting go of one without destroying it.

Both are declared in Terraform's own language, in one file that is written for one plan, so that they are planned,
read and applied as everything else is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.domain.command_line import quote
from bot.domain.hcl_text import hcl_string
from bot.domain.model import OperationKind, Stack, StateOperation
from bot.domain.plan import Action
from bot.domain.resource_changes import action_of
from bot.domain.terraform_arguments import is_managed_address, is_resource_address, resource_type

OPERATION_FILE: Final = "zzzz_gatewright_state_operation.tf"
"""Where the block stands in the root module of its plan; no tree that is checked out may hold a file of this name."""

_LEAVING: Final = "gatewright_lets_go"
"""What an instance is called while it leaves."""
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
    """Return the Terraform arguments of its plan: nothing else of the pull request is to happen with it."""
    return tuple(
        f"-target={address}" for address in dict.fromkeys((operation.address, _leaves_as(operation)))
    )


def block(operation: StateOperation) -> str:
    """Return Terraform's own declaration of it; ValueError where the address could not stand in one."""
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
    """Return the address that is removed: no `removed` block takes a key, so an instance gets a name of its own first."""
    if operation.kind is OperationKind.IMPORT or "[" not in operation.address:
        return operation.address
    return f"{resource_type(operation.address) or 'module'}.{_LEAVING}"


def command_of(operation: StateOperation, stack: Stack) -> str:
    """Return the comment that asks for it."""
    project = "" if stack.project == "default" else f" -p {stack.project}"
    if operation.kind is OperationKind.IMPORT:
        return f"/import {stack.env} {quote(operation.address)} {quote(operation.object_id or '')}{project}"
    return f"/state rm {stack.env} {quote(operation.address)}{project}"


def strays(operation: StateOperation, plan_json: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a plan would do besides its operation, one `ADDRESS (ACTION)` each, sorted.

    `-target` takes along what the address depends on, and an import may end in a replacement: neither is what was
    asked for.
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
    """Whether an address is `whole` itself, one of its instances, or something in the module that it names."""
    return address == whole or address.startswith((f"{whole}.", f"{whole}["))


def hint(operation: StateOperation, log: str) -> str | None:
    """Return what to do where Terraform refused the declaration itself; None where its own words must do."""
    said = " ".join(log.replace("│", " ").split())
    found = (
        text for kind, marks, text in _HINTS if kind is operation.kind and any(one in said for one in marks)
    )
    return next(found, None)
