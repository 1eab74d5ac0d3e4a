"""Destroy-time provisioners: code that a revert removes cannot run them any more."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.hcl.scanner import HclToken, hcl_tokens

_OPEN, _CLOSE, _IS = "{", "}", "="


def destroy_provisioners(sources: Iterable[str]) -> frozenset[str]:
    """Return `type.name` of each resource with a destroy-time provisioner. Never raises."""
    return frozenset(address for source in sources for address in _found(list(hcl_tokens(source))))


def _found(tokens: list[HclToken]) -> Iterable[str]:
    depth, resource, provisioner = 0, "", 0
    for at, token in enumerate(tokens):
        if token.kind == "sign" and token.text == _OPEN:
            depth += 1
        elif token.kind == "sign" and token.text == _CLOSE:
            depth -= 1
            resource = resource if depth else ""
            provisioner = provisioner if depth >= provisioner else 0
        elif token.kind == "word" and depth == 0 and token.text == "resource":
            resource = ".".join(each.text for each in tokens[at + 1 : at + 3])
        elif token.kind == "word" and depth == 1 and token.text == "provisioner":
            provisioner = depth + 1
        elif provisioner and depth == provisioner and _is_at_destroy(tokens[at : at + 3]) and resource:
            yield resource


def _is_at_destroy(tokens: list[HclToken]) -> bool:
    return [token.text for token in tokens] == ["when", _IS, "destroy"]
