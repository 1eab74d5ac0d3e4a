"""Reading what Terraform prints for people."""

from __future__ import annotations

import re

_NEEDS_INIT = re.compile(
    r"Backend initialization required|Module not installed|Inconsistent dependency lock file"
    r"|Module source has changed|Module version requirements have changed|Missing required provider"
    r"|Required plugins are not installed|Failed to load plugin schemas|(?:terraform|tofu) init\b"
)
_BLOCK_START = re.compile(r"^(?:Warning|Error): ")


def needs_init(text: str) -> bool:
    """Whether a failed command might succeed after an init."""
    return _NEEDS_INIT.search(" ".join(text.split())) is not None


def warnings(text: str) -> tuple[str, ...]:
    """Return the warning blocks of a plan's output, without the word itself.

    Later equal ones are left out.
    """
    blocks = [block.removeprefix("Warning: ") for block in _blocks(text) if block.startswith("Warning: ")]
    return tuple(dict.fromkeys(blocks))


def first_error(text: str) -> str | None:
    """Return the title of the first error in an output."""
    return next((line[7:].strip() for line in text.splitlines() if line.startswith("Error: ")), None)


def _blocks(text: str) -> list[str]:
    """Cut the output where a diagnostic starts; they are the last thing that a plan prints."""
    blocks: list[list[str]] = []
    previous = ""
    for line in text.splitlines():
        if _BLOCK_START.match(line) and not previous.strip():
            blocks.append([])
        if blocks:
            blocks[-1].append(line)
        previous = line
    return ["\n".join(lines).strip() for lines in blocks]
