"""The table for people."""

from __future__ import annotations

import os

from rich.console import Console
from rich.table import Table

from tests.bench.measuring import KINDS, Measured, middle

_MILLISECONDS = 1000


def show(measured: list[Measured]) -> None:
    """Print medians, ratios, and where the time goes."""
    out = Console()
    table = Table(title="From the webhook to the plan comment, against init && plan && show -json (medians)")
    for column in ("resources", "written as", "what", "plain s", "gatewright s", "ratio"):
        table.add_column(column, justify="left" if column in {"written as", "what"} else "right")
    for one in measured:
        for kind, text in KINDS.items():
            plain, ours = middle(one.plain)["all"], middle(one.ours[kind])["all"]
            figures = (f"{plain:.2f}", f"{ours:.2f}", f"{one.ratio(kind):.2f}")
            table.add_row(str(one.size), one.shape, text, *figures)
    out.print(table)
    out.print(
        f"Ratios are medians of pairs. Load of this machine now: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores;"
        " above the number of cores the figures say more about its other work."
    )
    for one in measured:
        out.print(f"[bold]{one.size} resources by {one.shape}[/bold], milliseconds")
        out.print(f"  {'plain':8}{_parts(middle(one.plain))}", highlight=False, soft_wrap=True)
        for kind in KINDS:
            out.print(f"  {kind:8}{_parts(middle(one.ours[kind]))}", highlight=False, soft_wrap=True)


def _parts(seconds: dict[str, float]) -> str:
    return "  ".join(f"{part} {value * _MILLISECONDS:.0f}" for part, value in seconds.items())
