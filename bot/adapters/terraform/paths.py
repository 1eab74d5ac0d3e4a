"""Paths of a job, on the host and in the sandbox."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.domain.core.errors import PolicyError, UnsafeTreeError
from bot.ports import Slot

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600
PLAN_NAME = "plan.tfplan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The directories that a Terraform process knows."""

    tree: Path
    data: Path
    """TF_DATA_DIR: backend record, modules and provider packages."""
    box: Path
    """Configuration and credentials of one job, read-only in the sandbox."""
    home: Path
    """HOME, empty when a step starts; its path is the same for a plan and its apply."""
    output: Path
    """Output directory of one step."""

    @property
    def cli_config(self) -> Path:
        """Return Terraform's own configuration file."""
        return self.box / "terraform.rc"

    @property
    def credentials(self) -> Path:
        """Return the shared-credentials file of the state."""
        return self.box / "credentials"

    @property
    def plan_file(self) -> Path:
        """Return the saved plan that a step reads."""
        return self.box / PLAN_NAME

    @property
    def new_plan(self) -> Path:
        """Return where a step saves the plan that it makes."""
        return self.output / PLAN_NAME


INSIDE = Paths(
    tree=Path("/work"),
    data=Path("/data"),
    box=Path("/gatewright"),
    home=Path("/gatewright/home"),
    output=Path("/gatewright/out"),
)
"""The fixed places in the sandbox: absolute paths end up in plans, so they never differ."""


def shown_inside(path: Path) -> Path:
    """Return the sandbox path of a program or mirror: the same path unless the sandbox uses it."""
    taken = (INSIDE.tree, INSIDE.data, INSIDE.box)
    return Path("/outside", *path.parts[1:]) if any(map(path.is_relative_to, taken)) else path


def on_host(slot: Slot, step: str = "step") -> Paths:
    """Return the host paths of a slot.

    Each step has its own output directory.
    """
    box = slot.scratch / "terraform"
    own = slot.scratch / "steps" / step
    return Paths(tree=slot.tree, data=slot.data_dir, box=box, home=own / "home", output=own / "out")


def root_module(tree: Path, directory: str) -> Path:
    """Return the root module's directory; UnsafeTreeError when a link leads out of the tree."""
    return _inside(tree, directory, "the root module", is_there=Path.is_dir)


def var_file(tree: Path, name: str) -> Path:
    """Return the var file; UnsafeTreeError when a link leads out of the tree."""
    return _inside(tree, name, "the var file", is_there=Path.is_file)


def _inside(tree: Path, name: str, what: str, *, is_there: Callable[[Path], bool]) -> Path:
    path = (tree / name).resolve()
    if not path.is_relative_to(tree.resolve()):
        raise UnsafeTreeError((f"{what} `{name}` leads out of the repository",))
    if not is_there(path):
        raise PolicyError((f"{what} `{name}` does not exist in this commit",))
    return tree / name


def make_private(directory: Path) -> None:
    """Create a directory and its parents with mode 0700.

    `mkdir` applies a mode only to the last one.
    """
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=PRIVATE_DIRECTORY)


def write_private(path: Path, text: str) -> None:
    """Write a file that only the bot can read, replacing what is there.

    Links are never followed.
    """
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def open_regular(path: Path) -> io.BufferedReader | None:
    """Open a file, None when there is no regular file at this very path."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path) -> str | None:
    """Return a file's text, None when there is no regular file at this very path."""
    file = open_regular(path)
    if file is None:
        return None
    with io.TextIOWrapper(file, encoding="utf-8", errors="replace") as text:
        return text.read()
