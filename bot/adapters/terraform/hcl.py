"""The little of Terraform's language that Gatewright writes."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.hcl_text import hcl_string

Value = str | bool | list[str] | Mapping[str, str]


def hcl_value(value: Value) -> str:
    """Return a value as an expression."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return hcl_string(value)
    if isinstance(value, list):
        return f"[{', '.join(hcl_string(item) for item in value)}]"
    return f"{{ {', '.join(f'{name} = {hcl_string(item)}' for name, item in value.items())} }}"
