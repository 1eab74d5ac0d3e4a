"""Making repositories, forks, and writing files to branches."""

from collections.abc import Mapping

from bot.playground.github.actions.accounts import add_organization, install, set_permission
from bot.playground.github.actions.pushes import ZERO, Moved, announce, refresh_pull_refs
from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.git.process import GitError
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Account, Repo, Role


async def create_repo(
    hub: Hub,
    full_name: str,
    *,
    files: Mapping[str, str],
    private: bool = True,
    installed: bool = True,
    default_branch: str = "main",
    description: str | None = None,
) -> Repo:
    """Make a repository with one commit; an unknown owner becomes an organisation."""
    if full_name.lower() in hub.state.data.repos:
        raise ApiError(422, f"{full_name} exists already")
    repo = _record(hub, full_name, private=private, default_branch=default_branch)
    repo.description = description
    git = hub.git(repo)
    await git.create(default_branch)
    by = hub.signature(hub.state.account(repo.owner))
    await git.write(
        default_branch,
        {"README.md": f"# {repo.name}\n", **files},
        by=by,
        message="Initial commit",
        start=None,
    )
    if installed:
        install(hub, repo, sender=_someone(hub, repo))
    return repo


def _record(hub: Hub, full_name: str, *, private: bool, default_branch: str) -> Repo:
    owner, _, name = full_name.partition("/")
    account = hub.state.data.accounts.get(owner.lower()) or add_organization(hub, owner)
    now = hub.clock()
    repo = Repo(
        id=hub.state.small_id(),
        owner=account.login,
        name=name,
        private=private,
        default_branch=default_branch,
        created_at=now,
        pushed_at=now,
    )
    hub.state.data.repos[repo.full_name.lower()] = repo
    hub.state.changed()
    return repo


def _someone(hub: Hub, repo: Repo) -> str:
    """A person to name as the sender: an admin when there is one, else the owner."""
    admins = (login for login, role in repo.collaborators.items() if role is Role.ADMIN)
    return next(admins, hub.state.account(repo.owner).login)


async def fork_repo(hub: Hub, repo: Repo, login: str) -> Repo:
    """A person's fork; an existing one is given back."""
    account = hub.state.account(login)
    full_name = f"{account.login}/{repo.name}"
    found = hub.state.data.repos.get(full_name.lower())
    if found is not None:
        return found
    fork = _record(hub, full_name, private=repo.private, default_branch=repo.default_branch)
    fork.fork_of = repo.full_name
    set_permission(hub, fork, login, Role.ADMIN)
    git = hub.git(fork)
    await git.create(repo.default_branch)
    await git.git("fetch", "--quiet", str(hub.git(repo).path), "+refs/heads/*:refs/heads/*")
    return fork


async def push_files(
    hub: Hub,
    repo: Repo,
    branch: str,
    files: Mapping[str, str | None],
    *,
    author: Account,
    message: str,
    start: str | None = None,
) -> str:
    """Commit files on a branch and announce the push; a new branch begins at `start`."""
    git = hub.git(repo)
    async with git.lock:
        ref = f"refs/heads/{branch}"
        before = (await git.refs()).get(ref)
        begin = await git.resolve(start or repo.default_branch) if before is None else None
        if before is None and begin is None:
            raise not_found()
        try:
            sha = await git.write(branch, files, by=hub.signature(author), message=message, start=begin)
        except GitError as error:
            raise ApiError(422, f"The files could not be written: {error}") from error
    await announce(hub, repo, Moved(ref=ref, before=before or ZERO, after=sha), author.login)
    return sha


async def push_commit(hub: Hub, repo: Repo, branch: str, sha: str, *, by: str) -> None:
    """Point a branch at a commit, as a force-push does, and announce the push."""
    git, ref = hub.git(repo), f"refs/heads/{branch}"
    async with git.lock:
        before = (await git.refs()).get(ref)
        await git.update_ref(ref, sha)
    await announce(hub, repo, Moved(ref=ref, before=before or ZERO, after=sha), hub.state.account(by).login)


async def delete_branch(hub: Hub, repo: Repo, branch: str, *, by: str) -> None:
    """Delete a branch and announce it."""
    git, ref = hub.git(repo), f"refs/heads/{branch}"
    async with git.lock:
        before = (await git.refs()).get(ref)
        if before is None:
            raise not_found()
        await git.delete_ref(ref)
    await announce(hub, repo, Moved(ref=ref, before=before, after=ZERO), hub.state.account(by).login)


async def delete_repo(hub: Hub, repo: Repo) -> None:
    """Delete a repository; pull requests from it then have a `head.repo` of null."""
    async with hub.git(repo).lock:
        hub.state.data.repos.pop(repo.full_name.lower())
        hub.state.changed()


async def recover(hub: Hub) -> None:
    """After a kill: open pull requests follow branches that moved before the state was written."""
    for repo in hub.state.data.repos.values():
        for pull in repo.pulls.values():
            head_repo = hub.state.data.repos.get(pull.head_repo.lower())
            if pull.state != "open" or head_repo is None:
                continue
            sha = await hub.git(head_repo).resolve(f"heads/{pull.head_ref}")
            if sha is not None and sha != pull.head_sha:
                pull.head_sha = sha
                await refresh_pull_refs(hub, repo, pull)
                hub.state.changed()
