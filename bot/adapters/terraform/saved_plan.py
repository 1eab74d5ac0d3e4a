"""Check that a saved plan is of the reviewed code and of its stack's state; blocking.

The engine applies the contents of the plan file: its packed configuration, on the state that it names.
`terraform show` displays neither. A program that runs during the plan can replace the file, so the expected
contents are taken from the directories before any code runs, and compared.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bot.adapters.terraform import backend as state_backend
from bot.adapters.terraform import warmth
from bot.adapters.terraform.paths import open_regular
from bot.adapters.terraform.plan_messages import planned_backend, planned_variables
from bot.adapters.terraform.session import Session
from bot.adapters.terraform.step import Step
from bot.adapters.untrusted import printable
from bot.domain.core.errors import TreeChangedError, UnsafeTreeError
from bot.domain.hcl.variables import PREFIX, declared_variables
from bot.domain.plans.fetched import ModuleRecord

LARGEST_UNPACKED = 1 << 30
"""Bytes of everything in a saved plan, unpacked."""
MOST_FILES = 50_000
_LARGEST_LIST = 32 << 20
"""Bytes of the list of modules, and of the archive's table of contents."""
_PLAN, _CONFIGURATION, _MODULES = "tfplan", "tfconfig/", "tfconfig/modules.json"
_END = b"PK\x05\x06"
_END_SIZE, _LOCATOR_SIZE = 22, 20
_LOCATOR = b"PK\x06\x07"
_CHUNK = 1 << 20
_NOWHERE = (
    "module `{key}`: its code lies neither in the repository nor among what `init` fetched. Call it by a path that begins"
    " with `./` or `../`, or by an address."
)
_READ_BY_ALL, _READ_BY_TOFU = (".tf", ".tf.json"), (".tofu", ".tofu.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The expected contents of a plan."""

    files: Mapping[str, str]
    """Name in the plan file -> SHA-256 of each file of the configuration."""
    shadowed: frozenset[str]
    """Files that the engine reads only if no other file replaces them."""
    directories: Mapping[str, str]
    """Key of each module -> its directory, as the engine names it."""
    backend: Mapping[str, Any]
    """Every setting of the backend in use."""
    variables: Mapping[str, str | None]
    """The declared variables with a value; the value itself if only the environment sets it."""


def origin(session: Session) -> Origin:
    """Return the expected contents of a plan; no code may have run in the tree yet."""
    data = session.here.data
    record = state_backend.recorded_backend(data) or {}
    records = {record.key: record for record in warmth.module_records(data)}
    records[""] = ModuleRecord(key="", source="", version=None, directory=".")
    files: dict[str, str] = {}
    shadowed: set[str] = set()
    directories: dict[str, str] = {}
    for key, one in records.items():
        directory = warmth.directory_on_host(one, session.here, session.seen, session.job.directory)
        if directory is None:
            continue
        directories[key] = posixpath.normpath(one.directory)
        root = session.here.data if directory.is_relative_to(data.resolve()) else session.here.tree
        found = dict(_configuration(directory, root.resolve(), session.job.engine.name))
        files |= {f"{_CONFIGURATION}m-{key}/{name}": digest for name, digest in found.items()}
        shadowed |= {f"{_CONFIGURATION}m-{key}/{name}" for name in found if _stand_in(name) in found}
    return Origin(
        files=files,
        shadowed=frozenset(shadowed),
        directories=directories,
        backend=record.get("config") or {},
        variables=_variables(session),
    )


def take(session: Session, step: Step, made_of: Origin) -> tuple[Path, str] | None:
    """Return the plan that a step has saved, out of its reach, and its SHA-256.

    None where it saved none.

    Raises TreeChangedError where it is of something else, or no file.
    """
    try:
        copy = session.copy_plan(step)
        return None if copy is None else (copy, checked(copy, made_of))
    except UnsafeTreeError as error:
        session.drop_plan()
        raise TreeChangedError(error.problems) from error


def checked(plan: Path, made_of: Origin) -> str:
    """Compare a plan file with its expected contents, and rewrite it; returns its SHA-256.

    Raises UnsafeTreeError if they differ. The file is rewritten so that the engine can read it in one way
    only: an ambiguous archive could be compared, shown and applied differently.
    """
    fresh = plan.with_suffix(".fresh")
    try:
        _refuse_odd(plan)
        with zipfile.ZipFile(plan) as archive:
            _refuse_too_much(archive)
            _compare_code(archive, made_of)
            _compare_backend(archive, made_of)
            _compare_variables(archive, made_of)
            _copy(archive, fresh)
        fresh.chmod(0o400)
        fresh.replace(plan)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise _refused(f"it cannot be read ({error})") from error
    except (ValueError, RuntimeError, NotImplementedError, OverflowError, KeyError) as error:
        raise _refused(f"it is not what Terraform writes ({printable(str(error))})") from error
    finally:
        fresh.unlink(missing_ok=True)
    with plan.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _variables(session: Session) -> dict[str, str | None]:
    directory, job = session.module.resolve(), session.job
    code = declared_variables(dict(warmth.code_texts(directory)), job.engine.name)
    given: dict[str, str | None] = {
        name.removeprefix(PREFIX): value for name, value in job.environment.items() if name.startswith(PREFIX)
    }
    # What a file sets, it sets in the place of the environment.
    given |= dict.fromkeys(session.set_by_files)
    # No plan file holds those that are ephemeral.
    return {name: given[name] for name in given.keys() & code.declared - code.perhaps_ephemeral}


def _configuration(directory: Path, root: Path, engine: str) -> Iterator[tuple[str, str]]:
    """Yield name and SHA-256 of the files that the engine reads as configuration."""
    endings = (*_READ_BY_ALL, *(_READ_BY_TOFU if engine == "tofu" else ()))
    for path in directory.iterdir():
        name = path.name
        if not name.endswith(endings) or name.startswith(".") or name.endswith("~"):
            continue
        place = path.resolve()
        # A link of a fetched module can lead anywhere; files outside are not part of it.
        file = open_regular(place) if place.is_relative_to(root) else None
        if file is not None:
            with file:
                yield name, hashlib.file_digest(file, "sha256").hexdigest()


def _stand_in(name: str) -> str | None:
    """Return the file that OpenTofu reads instead of one for every engine."""
    for ending, other in zip(_READ_BY_ALL, _READ_BY_TOFU, strict=True):
        if name.endswith(ending):
            return f"{name.removesuffix(ending)}{other}"
    return None


def _refuse_odd(plan: Path) -> None:
    """Refuse archives with an unusual end, before reading anything else of them."""
    with plan.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_SIZE - _LOCATOR_SIZE))
        tail = file.read()
    end = tail[-_END_SIZE:]
    entries, contents = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if not end.startswith(_END) or end[20:22] != b"\0\0" or tail.startswith(_LOCATOR):
        raise ValueError("its end is not that of an archive")
    if entries > MOST_FILES or contents > _LARGEST_LIST:
        raise ValueError("it holds too many files")


def _refuse_too_much(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    if len(set(names)) != len(names):
        raise ValueError("it holds two files of one name")
    if sum(info.file_size for info in archive.infolist()) > LARGEST_UNPACKED:
        raise ValueError("it is too large")


def _compare_code(archive: zipfile.ZipFile, made_of: Origin) -> None:
    listed = {str(one["Key"]): posixpath.normpath(str(one["Dir"])) for one in _json(archive)}
    for key, directory in listed.items():
        if key not in made_of.directories:
            raise UnsafeTreeError((_NOWHERE.format(key=printable(key)),))
        if made_of.directories[key] != directory:
            raise _refused(f"its module `{printable(key)}` is from elsewhere")
    there = {name for name in archive.namelist() if name.startswith(_CONFIGURATION)} - {_MODULES}
    expected = {name for name in made_of.files.keys() - made_of.shadowed if _key(name) in listed}
    wrong = {name for name in there if _digest(archive, name) != made_of.files.get(name)} | expected - there
    if wrong:
        shown = printable(min(wrong).removeprefix(_CONFIGURATION))
        raise _refused(f"`{shown}` is not the reviewed file of that name")


def _key(name: str) -> str:
    """Return the module that a file of the configuration is of."""
    return name.removeprefix(f"{_CONFIGURATION}m-").partition("/")[0]


def _json(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    if archive.getinfo(_MODULES).file_size > _LARGEST_LIST:
        raise ValueError("its list of modules is too large")
    listed = json.loads(archive.read(_MODULES))
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError("its list of modules is none")
    return listed


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    total = hashlib.sha256()
    with archive.open(name) as file:
        for chunk in _chunks(file):
            total.update(chunk)
    return total.hexdigest()


def _compare_backend(archive: zipfile.ZipFile, made_of: Origin) -> None:
    with archive.open(_PLAN) as message:
        found = planned_backend(message)
    if (found.type, found.workspace, found.config) != ("s3", "default", made_of.backend):
        raise _refused("it is of another state than that of the stack")


def _compare_variables(archive: zipfile.ZipFile, made_of: Origin) -> None:
    with archive.open(_PLAN) as message:
        found = planned_variables(message)
    for name, value in made_of.variables.items():
        # What a var file gives is compared by the engine when it applies.
        is_other = None not in {value, found.get(name)} and value != found.get(name)
        if name not in found or is_other:
            raise _refused(f"variable `{printable(name)}` has another value than it was given")


def _copy(archive: zipfile.ZipFile, to: Path) -> None:
    with zipfile.ZipFile(to, "x", compresslevel=1) as fresh:
        for name in archive.namelist():
            # No date is kept: equal plans are equal files.
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(name) as old, fresh.open(info, "w") as new:
                for chunk in _chunks(old):
                    new.write(chunk)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _refused(why: str) -> UnsafeTreeError:
    return UnsafeTreeError(
        (f"the saved plan: {why}. Code of the pull request put something else in its place.",)
    )
