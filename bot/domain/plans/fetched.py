"""What `init` fetched for a plan: digest of modules and providers, and unpinned sources.

Git does not hold remote modules and providers, but they are part of a release.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from bot.domain.hcl.sources import directory_of, is_local, locked_providers

__all__ = [
    "FETCHED_VERSION",
    "Fetched",
    "ModuleRecord",
    "fetched_digest",
    "is_current",
    "locked_providers",
    "module_contents",
    "module_records",
    "moving_sources",
]

FETCHED_VERSION: Final = "1"
"""Raised when the digest is computed differently: digests of two formats are not comparable."""
_COMMIT = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_EXACT = re.compile(r"\s*=?\s*v?\d+(?:\.\d+)*(?:[-+][\w.+-]*)?\s*")
_USER = re.compile(r"//[^/@?\s]*@")
_SHOWN: Final = ("ref", "rev", "versionId", "version")
"""URL parameters that select a version; other parameters may contain credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The modules, providers and engine that a plan was made with."""

    digest: str
    """`1:` and a SHA-256 (hexadecimal); the number before the colon is the digest's format version."""
    moving: tuple[str, ...] = ()
    """Sources whose content can change without a change of the code, as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleRecord:
    """One entry of `modules.json`: a module call and what `init` resolved it to."""

    key: str
    """Names of the calls from the root module, joined with dots; empty for the root module."""
    source: str
    version: str | None
    """The exact version that was chosen; only registry modules have one."""
    directory: str
    """Relative to the root module, or absolute."""


def fetched_digest(modules: Mapping[str, str], providers: Mapping[str, str], *, engine: str) -> str:
    """Return the digest of fetched modules (from `module_contents`), providers and engine.

    `engine` is for example `terraform 1.11.4`. Providers are included by source address and chosen version:
    their hashes differ by platform and mirror.
    """
    canonical = json.dumps([sorted(modules.items()), sorted(providers.items()), engine])
    return f"{FETCHED_VERSION}:{hashlib.sha256(canonical.encode()).hexdigest()}"


def module_contents(
    packages: Mapping[str, str], records: Iterable[ModuleRecord], fetched_in: str
) -> dict[str, str]:
    """Return the content of each fetched module for `fetched_digest`.

    `packages` maps the key of a module to the digest of its whole package. Which directory of a package is
    used is included, since the registry chooses it too. `fetched_in` is the directory that holds all
    packages, as the records name it.
    """
    found = {key: json.dumps([digest]) for key, digest in packages.items()}
    for record in records:
        directory = posixpath.normpath(record.directory)
        if directory.startswith(f"{fetched_in}/"):
            inside = directory.removeprefix(f"{fetched_in}/")
            found[record.key] = json.dumps([packages.get(record.key), inside])
    return found


def is_current(digest: str | None) -> bool:
    """Whether a fetched digest has the current format; None comes from an older version."""
    return digest is not None and digest.partition(":")[0] == FETCHED_VERSION


def module_records(text: str) -> tuple[ModuleRecord, ...]:
    """Return the entries of `modules.json`; ValueError when it is something else."""
    match json.loads(text):
        case {"Modules": [*listed]}:
            return tuple(map(_record, listed))
        case _:
            raise ValueError("modules.json has no list of modules")


def moving_sources(
    records: Iterable[ModuleRecord],
    *,
    constraints: Mapping[str, Mapping[str, str | None]],
    locked: str | None,
    committed: str | None,
) -> tuple[str, ...]:
    """Return the fetched modules and providers that nothing pins, as text.

    `constraints` are the results of `module_constraints`, by directory as `modules.json` names it. The lock
    files are the one that `init` left and the one of the commit, None where there is none.
    """
    known = {record.key: record for record in records}
    found = [line for record in known.values() if (line := _moving_module(record, known, constraints))]
    pinned = locked_providers(committed)
    for address, version in locked_providers(locked).items():
        if address not in pinned:
            found.append(f"provider {address} (now {version}), which the committed lock file does not name")
    return tuple(sorted(found))


def _record(value: Any) -> ModuleRecord:
    match value:
        case {"Key": str(key), "Source": str(source), "Dir": str(directory)}:
            version = value.get("Version")
            return ModuleRecord(
                key=key, source=source, version=str(version) if version else None, directory=directory
            )
        case _:
            raise ValueError("modules.json lists something that is no module")


def _moving_module(
    record: ModuleRecord,
    known: Mapping[str, ModuleRecord],
    constraints: Mapping[str, Mapping[str, str | None]],
) -> str | None:
    if not record.key or is_local(record.source):
        return None
    name = ".".join(f"module.{call}" for call in record.key.split("."))
    source = _shown(record.source)
    if record.version is None:
        return None if _is_pinned(record.source) else f"{name}: {source}"
    caller, _, call = record.key.rpartition(".")
    calls = constraints.get(directory_of(known[caller].directory), {}) if caller in known else {}
    asked = calls.get(call)
    if asked and _EXACT.fullmatch(asked):
        return None
    said = f"version {asked}" if asked else "any version" if asked == "" else "a version that is not pinned"
    return f"{name}: {source}, {said} (now {record.version})"


def _is_pinned(source: str) -> bool:
    """Whether an address names immutable content: a commit, a checksum or an object version."""
    asked = parse_qs(source.partition("?")[2])
    if any(_COMMIT.fullmatch(asked[name][0]) for name in ("ref", "rev") if name in asked):
        return True
    if source.startswith(("git::", "hg::")):
        return False
    return "checksum" in asked or (
        source.startswith("s3::") and bool({"version", "versionId"} & asked.keys())
    )


def _shown(source: str) -> str:
    """Return an address without parts that may be secret."""
    address, _, query = _USER.sub("//", source).partition("?")
    return "?".join([address, *_parameters(query)][:2]) if query else address


def _parameters(query: str) -> Iterator[str]:
    kept = [part for part in query.split("&") if part.partition("=")[0] in _SHOWN]
    if kept:
        yield "&".join(kept)
