"""What `init` fetched for a stack: the content of its modules, the versions of its providers, and the engine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

VERSION = 1
"""Of the rule by which the digest is made; digests of different versions cannot be compared."""
_PROVIDER = re.compile(r'^provider\s+"([^"]+)"\s*\{(.*?)^\}', re.MULTILINE | re.DOTALL)
_CHOSEN = re.compile(r'^\s*version\s*=\s*"([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was fetched."""

    digest: str
    """`1:` and a SHA-256: version of the rule, then the digest."""
    moving: tuple[str, ...] = ()
    """Sources that can mean something else tomorrow, in words."""


def fetched_digest(modules: Mapping[str, str], providers: Mapping[str, str], *, engine: str) -> str:
    """Return the digest of module key -> content, provider address -> version, and the engine with its version."""
    canonical = json.dumps([sorted(modules.items()), sorted(providers.items()), engine])
    return f"{VERSION}:{hashlib.sha256(canonical.encode()).hexdigest()}"


def locked_providers(lock_file: str | None) -> dict[str, str]:
    """Return provider address -> chosen version from the text of a lock file."""
    found: dict[str, str] = {}
    for address, body in _PROVIDER.findall(lock_file or ""):
        chosen = _CHOSEN.search(body)
        found[address] = chosen[1] if chosen else ""
    return found
