"""Texts as Terraform's language writes them."""

from __future__ import annotations

import json


def hcl_string(text: str) -> str:
    """Return a quoted string in which nothing is evaluated, however many signs of templates stand in a row."""
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted.replace("${", "$${").replace("%{", "%%{")
