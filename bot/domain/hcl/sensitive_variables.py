"""Variables that a root module declares sensitive, read from its code.

A failed plan has no JSON that marks secrets, but its error may quote a value. Never raises.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from bot.domain.hcl.scanner import HclToken, hcl_tokens
from bot.domain.secrets.sensitive import scalars

_PREFIX: Final = "TF_VAR_"
_OPEN: Final = HclToken(kind="sign", text="{")
_CLOSE: Final = HclToken(kind="sign", text="}")
_LINE_END: Final = HclToken(kind="sign", text="\n")


def declared_secrets(sources: Iterable[str], environment: Mapping[str, str]) -> set[str]:
    """Return values of `TF_VAR_…` in `environment` whose variables are declared sensitive.

    For a value that is JSON, its inner values are returned as well.
    """
    found: set[str] = set()
    for name in {name for source in sources for name in sensitive_variables(source)}:
        value = environment.get(_PREFIX + name)
        if value:
            found |= {value, *scalars(_as_json(value))}
    return found


def sensitive_variables(source: str) -> set[str]:
    """Return the variables that are declared sensitive, or not clearly otherwise."""
    found = _in_json(source) if source.lstrip().startswith("{") else _in_hcl(source)
    return {*found}


def _in_hcl(source: str) -> Iterator[str]:
    tokens = [token for token in hcl_tokens(source) if token != _LINE_END]
    depth, name = 0, None
    for position, token in enumerate(tokens):
        if token == _OPEN:
            if depth == 0 and position >= 2 and tokens[position - 2].text == "variable":  # noqa: PLR2004 - word, label
                name = tokens[position - 1].text
            depth += 1
        elif token == _CLOSE:
            depth -= 1
            name = name if depth > 0 else None
        elif name is not None and depth == 1 and _says_sensitive(tokens[position : position + 3]):
            yield name


def _says_sensitive(tokens: list[HclToken]) -> bool:
    """Whether a value of `sensitive` is anything but `false`; expressions are not evaluated."""
    words = [token.text for token in tokens]
    return words[:2] == ["sensitive", "="] and words[2:] != ["false"]


def _in_json(source: str) -> Iterator[str]:
    variables = _as_json(source)
    blocks = variables.get("variable") if isinstance(variables, dict) else None
    for block in blocks if isinstance(blocks, list) else [blocks]:
        for name, body in block.items() if isinstance(block, dict) else ():
            bodies = body if isinstance(body, list) else [body]
            if any(isinstance(each, dict) and each.get("sensitive", False) is not False for each in bodies):
                yield name


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
