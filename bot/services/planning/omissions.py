"""Explain a failure by repository files that are not inputs of the stack."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from bot.domain.core.errors import TerraformError
from bot.domain.core.model import Stack
from bot.domain.trees.omitted_paths import omitted_paths
from bot.policy import RepoPolicy
from bot.ports import Slot
from bot.services.stacks.touched import MergedTree

_INSIDE: Final = "/work"
"""Where the sandbox shows the tree."""


@asynccontextmanager
async def explained(policy: RepoPolicy, stack: Stack, tree: MergedTree, slot: Slot) -> AsyncIterator[None]:
    """Add to a failure of Terraform which withheld files it names, and how to include them."""
    try:
        yield
    except TerraformError as error:
        roots = (_INSIDE, str(slot.tree))
        error.omitted = await asyncio.to_thread(omissions, error.log_tail, policy, stack, tree, roots)
        raise


def omissions(
    log_tail: str, policy: RepoPolicy, stack: Stack, tree: MergedTree, roots: Sequence[str]
) -> dict[str, Any]:
    """Return the detail for a run whose log names files that it did not include; empty if none."""
    part = policy.part_for(stack)
    found = omitted_paths(log_tail, tree.followed, stack, tree.module_calls, part, roots=roots)
    detail: dict[str, Any] = {}
    if found.patterns:
        lines = yaml_lines(policy.with_patterns(stack, found.patterns))
        detail |= {"omitted": list(found.patterns), "when_modified": "\n".join(lines)}
    if found.withheld:
        detail["withheld"] = list(found.withheld)
    return detail


def yaml_lines(value: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield the lines of the few shapes that the policy has here.

    JSON's lists and texts are YAML's, too.
    """
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield f"{indent}{key}:"
            yield from yaml_lines(item, f"{indent}  ")
        elif isinstance(item, list) and isinstance(item[0], Mapping):
            yield f"{indent}{key}:"
            first, *rest = [line for each in item for line in yaml_lines(each, f"{indent}    ")]
            yield from (f"{indent}  - {first.lstrip()}", *rest)
        else:
            yield f"{indent}{key}: {json.dumps(item, ensure_ascii=False)}"
