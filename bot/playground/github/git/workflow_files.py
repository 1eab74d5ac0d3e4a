"""Pushes that change workflows of GitHub Actions, which need a permission."""

from bot.playground.github.git.repo import GitRepo

FOLDER = ".github/workflows/"
NEED = "workflows:write"
ZERO = "0" * 40


async def refusal(git: GitRepo, ref: str, before: str, after: str, base: str) -> str | None:
    """Return why GitHub refuses a moved branch, if it does (repo-sync/github-sync#23)."""
    if after == ZERO or not ref.startswith("refs/heads/"):
        return None
    since = before if before != ZERO else await git.merge_base(base, after)
    if since is None:
        return None
    changed = [change.path for change in await git.diff(since, after) if change.path.startswith(FOLDER)]
    if not changed:
        return None
    return f"refusing to allow a GitHub App to create or update workflow `{changed[0]}` without `workflows` permission"


def report(refused: dict[str, str]) -> bytes:
    """Return git-receive-pack's answer that refuses references (git's "pack-protocol")."""
    lines = b"".join(
        [_packet(b"unpack ok\n"), *(_packet(f"ng {ref} {why}\n".encode()) for ref, why in refused.items())]
    )
    return _packet(b"\x01" + lines + b"0000") + b"0000"


def _packet(data: bytes) -> bytes:
    return f"{len(data) + 4:04x}".encode() + data
