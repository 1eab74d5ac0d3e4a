"""Write values as HCL."""

from __future__ import annotations

import json
from collections.abc import Mapping

HclValue = str | bool | list[str] | Mapping[str, str]


def hcl_string(text: str) -> str:
    """Return a quoted HCL string in which nothing is evaluated."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted.replace("${", "$${").replace("%{", "%%{")


def hcl_value(value: HclValue) -> str:
    """Return a value as an expression."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return hcl_string(value)
    if isinstance(value, list):
        return f"[{', '.join(hcl_string(item) for item in value)}]"
    return f"{{ {', '.join(f'{name} = {hcl_string(item)}' for name, item in value.items())} }}"
