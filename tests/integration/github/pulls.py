"""Pull requests as GitHub answers with them."""

from __future__ import annotations

from typing import Any

PULLS = "/repos/acme/infra/pulls"


def pull(number: int) -> dict[str, Any]:
    owner = {"login": "acme", "id": 2}
    repo = {"full_name": "acme/infra", "name": "infra", "owner": owner, "default_branch": "main"}
    tip = {"ref": "main", "sha": "b" * 40, "repo": repo}
    return {
        "number": number,
        "title": "t",
        "user": None,
        "state": "open",
        "draft": False,
        "head": tip,
        "base": tip,
    }
