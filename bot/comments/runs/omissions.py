"""Which repository files a run did not get, and the policy line that includes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.comments.markdown.escape import clean, code, fence
from bot.comments.runs.report import string, strings

_MOST_SHOWN = 10


def omissions(detail: Mapping[str, Any]) -> str:
    """Explain which files the code tried to read and the run did not include, if any."""
    omitted, withheld = strings(detail, "omitted"), strings(detail, "withheld")
    said = []
    if omitted:
        said.append(
            f"The error names {_listed(omitted)}, which the repository has and the run did not get: a run gets what is"
            " counted as an input of its stack, and nothing else. Add it to `when_modified` in `gatewright.yaml`:\n\n"
            f"{fence(clean(string(detail, 'when_modified')), 'yaml')}\n"
            "This has to be merged into the default branch first, in a pull request of its own: the policy in force is"
            " the one there. Then plan again here.\n"
        )
    if withheld:
        said.append(
            f"The error names {_listed(withheld)}, which no run gets as an input, on purpose: that is a var file, or the"
            " policy itself. Set what the code needs from there in the environment's own var file.\n"
        )
    return "\n".join(said)


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(code(path, limit=200) for path in paths[:_MOST_SHOWN])
