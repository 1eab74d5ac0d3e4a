from __future__ import annotations

from typing import Any

import pytest

from bot.adapters.github.shapes import AccessToken, PermissionShape, PullShape, parse
from bot.domain.core.accounts import GHOST
from bot.domain.core.errors import GitHubError
from bot.domain.core.model import Permission


def pull(**changes: Any) -> PullShape:
    repo = {
        "full_name": "acme/infra",
        "name": "infra",
        "owner": {"login": "acme", "id": 2},
        "default_branch": "main",
    }
    tip = {"ref": "main", "sha": "b" * 40, "repo": repo}
    data = {
        "number": 1,
        "title": "t",
        "user": {"login": "dev", "id": 5},
        "state": "open",
        "head": tip,
        "base": tip,
        **changes,
    }
    return parse(PullShape, data, "reading")


def head(full_name: str | None) -> dict[str, Any]:
    repo = None if full_name is None else {"full_name": full_name}
    return {"ref": "topic", "sha": "a" * 40, "repo": repo}


@pytest.mark.parametrize(
    ("full_name", "is_fork"),
    [("acme/infra", False), ("Acme/Infra", False), ("dev/infra", True), (None, True)],
)
def test_a_head_elsewhere_or_nowhere_is_a_fork(full_name: str | None, *, is_fork: bool) -> None:
    told = pull(head=head(full_name)).as_pull()

    assert told.is_fork is is_fork
    assert told.head_repo == full_name


def test_a_pull_request_of_a_deleted_user_is_the_ghosts() -> None:
    assert pull(user=None).as_pull().author == GHOST


@pytest.mark.parametrize(
    ("fields", "commit"),
    [
        ({"merged_at": None, "merge_commit_sha": "c" * 40}, None),
        ({"merged_at": "2026-03-01T12:00:00Z", "merge_commit_sha": "c" * 40}, "c" * 40),
        ({"merged_at": "2026-03-01T12:00:00Z"}, None),
    ],
    ids=["a trial merge of an open one", "merged", "merged, told by a newer API without the field"],
)
def test_only_a_real_merge_has_a_merge_commit(fields: dict[str, Any], commit: str | None) -> None:
    assert pull(**fields).as_pull().merge_commit == commit


@pytest.mark.parametrize(
    ("permission", "role", "right"),
    [
        ("write", "write", Permission.WRITE),
        ("write", "maintain", Permission.MAINTAIN),
        ("read", "triage", Permission.TRIAGE),
        ("admin", "admin", Permission.ADMIN),
        ("none", "none", Permission.NONE),
        ("write", "deployer", Permission.WRITE),
        ("read", "auditor", Permission.READ),
        ("write", None, Permission.WRITE),
        ("read", "admin", Permission.READ),
        ("read", "maintain", Permission.READ),
        ("everything", "everything", Permission.NONE),
    ],
)
def test_custom_role_counts_as_its_base_not_its_name(
    permission: str, role: str | None, right: Permission
) -> None:
    shape = parse(PermissionShape, {"permission": permission, "role_name": role}, "reading")

    assert shape.as_permission() is right


def test_token_is_not_shown_by_a_wrong_answer_or_value() -> None:
    good = parse(AccessToken, {"token": "ghs_x1", "expires_at": "2026-03-01T12:00:00Z"}, "asking")

    with pytest.raises(GitHubError) as caught:
        parse(AccessToken, {"token": "ghs_x2", "expires_at": "soon"}, "asking")

    assert "ghs_x1" not in repr(good)
    assert str(caught.value) == "asking: GitHub's answer is not as documented (expires_at)"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
