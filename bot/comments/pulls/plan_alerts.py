"""What needs attention in several stacks: dangers, failed plans and shut gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.comments.gates.table import gate_line
from bot.comments.markdown.escape import code, text
from bot.comments.markdown.words import counted
from bot.comments.pulls.plan_table import LONGEST_LABEL, gravest_first, log_link
from bot.comments.pulls.plan_view import StackState, StackView, state_of
from bot.comments.runs.failures import failure_headline
from bot.domain.gates import GateResult, shut

_MOST_ADDRESSES: Final = 4
_CAUTION_ROOM, _FAILED_ROOM, _GATES_ROOM = 10_000, 6_000, 8_000
"""Bytes of parts that are never omitted; what does not fit is counted."""


def stacks_caution(stacks: Sequence[StackView]) -> str:
    """Return one box on what all stacks destroy or replace, and on failed `check` blocks."""
    lines = [line for view in gravest_first(stacks) for line in _dangers(view)]
    if not lines:
        return ""
    return "> [!CAUTION]\n" + _within(lines, _CAUTION_ROOM, prefix="> ") + "\n"


def _dangers(view: StackView) -> Iterator[str]:
    if (
        view.plan is None
        or view.failed is not None
        or state_of(view) in {StackState.APPLIED, StackState.CANCELED}
    ):
        return
    summary, name = view.plan.summary, f"**{text(view.stack.label, limit=LONGEST_LABEL)}**"
    risk = summary.risk
    known = {*risk.stateful}
    if risk.stateful:
        yield f"> - {name} **loses data**: {_addresses(risk.stateful)}"
    for verb, addresses in (("destroys", risk.destroys), ("replaces", risk.replaces)):
        if others := [address for address in addresses if address not in known]:
            yield f"> - {name} {verb} {_addresses(others)}"
    if risk.exposes:
        yield f"> - {name} **opens to everybody**: {_addresses(risk.exposes)}"
    for failed in summary.failed_checks[:3]:
        yield f"> - {name}: check failed: {text(failed, limit=200)}"


def _addresses(addresses: Sequence[str]) -> str:
    shown = ", ".join(code(address, limit=100) for address in addresses[:_MOST_ADDRESSES])
    more = len(addresses) - _MOST_ADDRESSES
    return f"{shown} and {more} more" if more > 0 else shown


def failed_stacks(stacks: Sequence[StackView]) -> str:
    """Return the stacks without a plan, each with the reason in one line."""
    lines = [
        f"- ❌ **{text(view.stack.label, limit=LONGEST_LABEL)}**: {failure_headline(view.failed)}{log_link(view.run_url)}"
        for view in stacks
        if view.failed is not None and state_of(view) is StackState.PLAN_FAILED
    ]
    return f"**Plan failed**\n\n{_within(lines, _FAILED_ROOM)}\n" if lines else ""


def shut_gates(stacks: Sequence[StackView]) -> str:
    """Return the shut gates of all stacks, equal ones in one line."""
    found: dict[GateResult, list[StackView]] = {}
    for view in stacks:
        if state_of(view) in {StackState.BLOCKED, StackState.WAITING}:
            for gate in shut(view.gates):
                found.setdefault(gate, []).append(view)
    if not found:
        return ""
    lines = [f"- {gate_line(gate, where=_where(views))}" for gate, views in found.items()]
    number = len({id(view) for views in found.values() for view in views})
    return f"**Gates that block {counted(number, 'stack')}**\n\n{_within(lines, _GATES_ROOM)}\n"


def _where(views: Sequence[StackView]) -> str:
    shown = ", ".join(text(view.stack.label, limit=LONGEST_LABEL) for view in views[:3])
    more = len(views) - 3
    return f" ({shown} and {more} more)" if more > 0 else f" ({shown})"


def _within(lines: Sequence[str], room: int, *, prefix: str = "") -> str:
    """Return the lines that fit into a number of bytes, and how many do not."""
    kept: list[str] = []
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        kept.append(line)
    more = len(lines) - len(kept)
    return "".join(
        f"{line}\n"
        for line in [*kept, *([f"{prefix}- and {more} more; see the sections below"] if more else [])]
    )
