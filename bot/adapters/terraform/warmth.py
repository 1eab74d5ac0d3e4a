"""Whether a data directory is initialised already.

A needless init costs more than the plan of a small module.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bot.adapters.terraform.fetched import MODULES, Content, Record, taken
from bot.adapters.terraform.paths import Paths, read_regular, write_private
from bot.adapters.workspace.cleaning import remove
from bot.domain.core.errors import UnsafeTreeError
from bot.domain.plans.fetched import ModuleRecord
from bot.domain.plans.fetched import module_records as read_module_records

MEMO_FILE = "fetched.json"
LOCK_FILE = ".terraform.lock.hcl"
LARGEST_CODE = 8 << 20
"""Bytes of all code of one module that are still looked through."""

_REQUIREMENT = re.compile(r'^\s*(?:module\s+"|"?(?:source|version|ref)"?\s*[=:])')
_PINNED_REF = re.compile(r"[?&]ref=[0-9a-f]{40}(?:&|$)")
_CONFIGURATION = (".tf", ".tf.json", ".tofu", ".tofu.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo:
    """Inputs of a finished init, and what it fetched.

    The file is kept beside the data directory, where no sandbox shows it.
    """

    digest: str
    packages: tuple[str, ...]
    """The provider packages that it installed, relative to the data directory."""
    content: Content


def memo_file(data_dir: Path) -> Path:
    """Return where the memo of a data directory is."""
    return data_dir.with_name(MEMO_FILE)


def read_memo(data_dir: Path) -> Memo | None:
    """Return the record of the last init, None if it is missing or invalid."""
    text = read_regular(memo_file(data_dir))
    try:
        record = json.loads(text or "")
        files = {
            str(path): Record(status=tuple(map(int, status)), digest=str(digest))
            for path, (digest, *status) in record["files"].items()
        }
        packages = tuple(map(str, record["packages"]))
        return Memo(digest=str(record["digest"]), packages=packages, content=Content(files=files))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def write_memo(data_dir: Path, digest: str, content: Content) -> None:
    """Remember a finished init."""
    files = {path: [record.digest, *record.status] for path, record in content.files.items()}
    record = {"digest": digest, "packages": list(_installed_packages(data_dir)), "files": files}
    write_private(memo_file(data_dir), json.dumps(record))


def forget(data_dir: Path) -> None:
    """Remember nothing, because an init is about to start."""
    memo_file(data_dir).unlink(missing_ok=True)


def is_warm(data_dir: Path, module: Path, digest: str) -> bool:
    """Whether an init would change nothing, and the fetched code is unchanged."""
    memo = read_memo(data_dir)
    if memo is None or memo.digest != digest:
        return False
    if memo.packages and read_regular(module / LOCK_FILE) is None:
        # Without a committed lock file only an init can choose the versions.
        return False
    if not all((data_dir / package).exists() for package in memo.packages):
        return False
    return is_untouched(data_dir)


def is_untouched(data_dir: Path) -> bool:
    """Whether the data directory contains exactly what the last init fetched."""
    memo = read_memo(data_dir)
    try:
        return memo is not None and taken(data_dir, memo.content).digest == memo.content.digest
    except UnsafeTreeError:
        return False


def inputs_digest(tree: Path, module: Path, data_dir: Path, *, backend: str, engine: Sequence[str]) -> str:
    """Digest what decides on the result of init: lock file, module sources, backend and engine."""
    parts = [*engine, backend, read_regular(module / LOCK_FILE) or ""]
    for directory in _local_modules(tree, module, data_dir):
        parts += _requirements(directory)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def module_records(data_dir: Path) -> tuple[ModuleRecord, ...]:
    """Return Terraform's manifest of the modules in use; empty where it cannot be read."""
    try:
        return read_module_records(read_regular(data_dir / "modules" / "modules.json") or "")
    except ValueError:
        return ()


def directory_on_host(record: ModuleRecord, here: Paths, seen: Paths, directory: str) -> Path | None:
    """Return the directory of a module's code on this machine; None where there is none."""
    written = PurePosixPath(record.directory)
    if written.is_relative_to(seen.data):
        path, root = here.data / written.relative_to(seen.data), here.data
    else:
        path, root = here.tree / directory / written, here.tree
    found = path.resolve()
    return found if found.is_relative_to(root.resolve()) and found.is_dir() else None


def code_texts(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of a directory's own Terraform files; empty text if too large."""
    left = LARGEST_CODE
    for path in sorted(directory.iterdir()):
        if path.name.endswith(_CONFIGURATION):
            # What was fetched may have any size.
            size = path.lstat().st_size
            fits = size <= left
            left -= size if fits else 0
            yield path.name, (read_regular(path) or "") if fits else ""


def has_moving_modules(data_dir: Path) -> bool:
    """Whether a module's address can lead to other code tomorrow."""
    return any(_is_moving(record) for record in _modules(data_dir))


def wipe(data_dir: Path, *, only_modules: bool = False) -> None:
    """Empty the data directory, or drop just the modules that were fetched."""
    for path in [data_dir / MODULES] if only_modules else list(data_dir.iterdir()):
        remove(path)


def wipe_but_providers(data_dir: Path) -> None:
    """Empty the data directory, but keep providers.

    Terraform compares them with the lock file at every command.
    """
    for path in data_dir.iterdir():
        if path.name != "providers" or path.is_symlink():
            remove(path)


def _installed_packages(data_dir: Path) -> Iterator[str]:
    for path in sorted((data_dir / "providers").glob("*/*/*/*/*")):
        yield str(path.relative_to(data_dir))


def _modules(data_dir: Path) -> list[Mapping[str, str]]:
    text = read_regular(data_dir / "modules" / "modules.json")
    try:
        records = json.loads(text or "")["Modules"]
    except (ValueError, KeyError, TypeError):
        return []
    return [record for record in records if isinstance(record, dict)]


def _is_moving(record: Mapping[str, str]) -> bool:
    source = record.get("Source", "")
    is_local = not record.get("Key") or source.startswith(("./", "../"))
    return not is_local and _PINNED_REF.search(source) is None


def _local_modules(tree: Path, module: Path, data_dir: Path) -> list[Path]:
    root = tree.resolve()
    directories = {module}
    for record in _modules(data_dir):
        directory = (module / PurePosixPath(record.get("Dir", "."))).resolve()
        if directory.is_relative_to(root) and directory.is_dir():
            directories.add(directory)
    return sorted(directories)


def _requirements(directory: Path) -> Iterator[str]:
    for _, text in code_texts(directory):
        yield from (line.strip() for line in text.splitlines() if _REQUIREMENT.match(line))
