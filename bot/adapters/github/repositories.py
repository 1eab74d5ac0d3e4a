"""Reads repositories, pull requests, permissions and files."""

from __future__ import annotations

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Sequence

from bot.adapters.github.call import Call
from bot.adapters.github.client import Client, credential
from bot.adapters.github.comments import names
from bot.adapters.github.credentials import Profile, Tokens
from bot.adapters.github.sending import Sender
from bot.adapters.github.shapes import (
    Content,
    GitRef,
    Membership,
    PermissionShape,
    PullShape,
    RepositoryShape,
    TeamRepository,
    parse,
)
from bot.domain.core.accounts import Account, Login
from bot.domain.core.errors import GitHubError, GitHubNotFoundError
from bot.domain.core.model import Permission, PullRequest, Repo, Sha
from bot.ports import Collaborator

_FULL_NAME = re.compile(r"([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)")
_REMEMBERED = 1000
"""Maximum number of cached repositories."""
_WITH_RIGHTS = "application/vnd.github.v3.repository+json"
"""The media type with which GitHub returns a team's permissions, and not only status 204."""
_NO_COMMIT = "no commit found"
"""The text that distinguishes GitHub's 404 for a missing ref from that for a missing file."""


class Repositories:
    """Reads repositories, pull requests, permissions and files."""

    def __init__(self, client: Client, sender: Sender, tokens: Tokens) -> None:
        self._client = client
        self._sender = sender
        self._tokens = tokens
        self._last_read: OrderedDict[str, Repo] = OrderedDict()

    async def repository(self, full_name: str) -> Repo:
        """Return the repository with its installation and default branch."""
        owner, name = _split(full_name)
        call = Call(
            doing=f"reading the repository {full_name}",
            route="/repos/{owner}/{repo}",
            variables={"owner": owner, "repo": name},
        )
        # Raises GitHubNotFoundError if the App is not installed there; requesting a token would raise GitHubError.
        await self._tokens.installations.of(owner, name)
        answer = await self._sender.send(call, credential(self._tokens, owner, name, Profile.API))
        shape = parse(RepositoryShape, answer.data, call.doing)
        return await self._known(shape, owner, name)

    async def known(self, full_name: str) -> Repo:
        """Return the repository as it was last read; reads it if it never was."""
        return self._last_read.get(full_name) or await self.repository(full_name)

    async def subject(self, full_name: str, number: int) -> tuple[Repo, PullRequest]:
        """Return a pull request and its repository, with one request."""
        owner, name = _split(full_name)
        call = Call(
            doing=f"reading {full_name}#{number}",
            route="/repos/{owner}/{repo}/pulls/{number}",
            variables={"owner": owner, "repo": name, "number": number},
        )
        await self._tokens.installations.of(owner, name)
        answer = await self._sender.send(call, credential(self._tokens, owner, name, Profile.API))
        shape = parse(PullShape, answer.data, call.doing)
        return await self._known(shape.base.repo, owner, name), shape.as_pull()

    async def _known(self, shape: RepositoryShape, owner: str, name: str) -> Repo:
        """Convert a repository that was requested as `owner/name`, and cache it."""
        repo = Repo(
            owner=shape.owner.login,
            name=shape.name,
            installation_id=await self._tokens.installations.of(owner, name),
            default_branch=shape.default_branch,
        )
        self._tokens.installations.learn(repo)
        self._last_read[f"{owner}/{name}"] = repo
        self._last_read.move_to_end(f"{owner}/{name}")
        while len(self._last_read) > _REMEMBERED:
            self._last_read.popitem(last=False)
        return repo

    async def pull(self, repo: Repo, number: int) -> PullRequest:
        """Return the pull request as GitHub shows it now."""
        call = Call(
            doing=f"reading {repo.full_name}#{number}",
            route="/repos/{owner}/{repo}/pulls/{number}",
            variables={**names(repo), "number": number},
        )
        return parse(PullShape, (await self._client.ask(repo, call)).data, call.doing).as_pull()

    async def open_pulls(self, repo: Repo) -> Sequence[PullRequest]:
        """Return all open pull requests, oldest first."""
        call = Call(
            doing=f"listing the open pull requests of {repo.full_name}",
            route="/repos/{owner}/{repo}/pulls{?state,sort,direction,per_page,page}",
            # Oldest first, so that new pull requests do not shift the pages while they are read.
            variables={**names(repo), "state": "open", "sort": "created", "direction": "asc"},
        )
        found = parse(list[PullShape], await self._client.every(repo, call), call.doing)
        # A pull request is on two pages if an older one was reopened while they were read.
        return list({each.number: each.as_pull() for each in found}.values())

    async def permission(self, repo: Repo, account: Account) -> Permission:
        """Return the account's current permission; NONE if its login belongs to another account."""
        # Without an id, the account cannot be distinguished from a later owner of the login.
        if account.id is None:
            return Permission.NONE
        found = await self.collaborator(repo, account.login)
        # The request names a login, and that of a renamed or deleted account may belong to another one by now.
        known = found is not None and found.account.is_certainly(account)
        return found.permission if found is not None and known else Permission.NONE

    async def collaborator(self, repo: Repo, login: Login) -> Collaborator | None:
        """Return the user with this login, with the current permission; None if there is none."""
        call = Call(
            doing=f"reading the permission of {login} on {repo.full_name}",
            route="/repos/{owner}/{repo}/collaborators/{login}/permission",
            variables={**names(repo), "login": login},
        )
        try:
            answer = await self._client.ask(repo, call)
        except GitHubNotFoundError:
            return None
        shape = parse(PermissionShape, answer.data, call.doing)
        if shape.user is None:
            return None
        return Collaborator(account=shape.user.account, permission=shape.as_permission())

    async def is_team_member(self, org: str, team: str, login: Login) -> bool:
        """Whether the user is an active member; an open invitation does not count."""
        call = Call(
            doing=f"asking whether {login} is in {org}/{team}",
            route="/orgs/{org}/teams/{team}/memberships/{login}",
            variables={"org": org, "team": team, "login": login},
        )
        signer = credential(self._tokens, org, None, Profile.MEMBERS)
        try:
            answer = await self._sender.send(call, signer)
        except GitHubNotFoundError:
            return False
        return parse(Membership, answer.data, call.doing).state == "active"

    async def team_permission(self, repo: Repo, org: str, team: str) -> Permission:
        """Return a team's permission on a repository; NONE also if the team does not exist."""
        call = Call(
            doing=f"reading the permission of {org}/{team} on {repo.full_name}",
            route="/orgs/{org}/teams/{team}/repos/{owner}/{repo}",
            variables={**names(repo), "org": org, "team": team},
            accept=_WITH_RIGHTS,
        )
        signer = credential(self._tokens, org, None, Profile.MEMBERS)
        try:
            answer = await self._sender.send(call, signer)
        except GitHubNotFoundError:
            return Permission.NONE
        return parse(TeamRepository, answer.data, call.doing).as_permission()

    async def branch_head(self, repo: Repo, branch: str) -> Sha:
        """Return the commit at the tip of a branch; raises GitHubNotFoundError."""
        # The address of the git reference, because that of the branch redirects from a renamed branch to another.
        call = Call(
            doing=f"reading the tip of {branch} in {repo.full_name}",
            route="/repos/{owner}/{repo}/git/ref{/ref*}",
            variables={**names(repo), "ref": ["heads", *branch.split("/")]},
        )
        found = parse(GitRef, (await self._client.ask(repo, call)).data, call.doing)
        if found.ref != f"refs/heads/{branch}":
            raise GitHubNotFoundError(f"{call.doing}: there is no such branch", status=404)
        return Sha(found.object.sha)

    async def file(self, repo: Repo, path: str, ref: str) -> str | None:
        """Return a text file of at most 1 MB; None if the ref has none at that path."""
        call = Call(
            doing=f"reading {path} of {repo.full_name} at {ref}",
            route="/repos/{owner}/{repo}/contents{/path*}{?ref}",
            variables={**names(repo), "path": path.split("/"), "ref": ref},
        )
        try:
            answer = await self._client.ask(repo, call)
        except GitHubNotFoundError as error:
            # A missing ref is an error, a missing file is not.
            if _NO_COMMIT in str(error).lower():
                raise
            return None
        if isinstance(answer.data, list):
            raise GitHubError(f"{call.doing}: it is a directory")
        return _text(parse(Content, answer.data, call.doing), call.doing)


def _split(full_name: str) -> tuple[str, str]:
    matched = _FULL_NAME.fullmatch(full_name)
    if matched is None:
        raise GitHubError(f"reading the repository {full_name[:100]!r}: its name is not owner/name")
    return matched[1], matched[2]


def _text(content: Content, doing: str) -> str:
    if content.type != "file":
        raise GitHubError(f"{doing}: it is a {content.type}, not a file")
    if content.encoding != "base64" or content.content is None:
        raise GitHubError(f"{doing}: it is larger than 1 MB")
    try:
        return base64.b64decode(content.content).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise GitHubError(f"{doing}: it is not UTF-8 text") from error
