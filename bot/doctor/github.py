"""Checks of the GitHub App: settings, installations, webhook, git."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path

import aiohttp
import jwt

from bot.adapters.clock import SystemClock
from bot.adapters.github.github_app import GitHubApp
from bot.adapters.github.options import Options
from bot.adapters.workspace.git import Git
from bot.doctor.findings import Finding, Part
from bot.domain.core.app_registration import (
    AppInstallation,
    AppRegistration,
    Difference,
    app_differences,
    installation_differences,
    webhook_differences,
)
from bot.domain.core.errors import GatewrightError
from bot.domain.core.git_access import token_config
from bot.domain.core.model import Repo
from bot.settings import PREFIX, Settings

_REQUEST_PATIENCE = 5.0
_PATIENCE = 60.0
_MOST_NAMED = 5
_KEY = ("github_private_key", "github_private_key_file")


def github_part(settings: Settings, wrong: Mapping[str, str]) -> Part:
    """Return the check that signs in as the App and examines its permissions and repositories."""
    return Part(
        name="GitHub App",
        check=lambda: _sign_in(settings),
        needs=("github_api_url", "github_app_id", *_KEY),
        more=lambda: _look(settings, wrong),
    )


async def _sign_in(settings: Settings) -> str:
    try:
        jwt.encode({}, settings.private_key_pem, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise GatewrightError(
            f"the private key ({PREFIX}GITHUB_PRIVATE_KEY or {PREFIX}GITHUB_PRIVATE_KEY_FILE) is not a PEM key: use the"
            " file that GitHub generated"
        ) from error
    async with _signed_in(settings) as github:
        return f"signed in as {await github.check_credentials()} at {settings.github_api_url}"


@asynccontextmanager
async def _signed_in(settings: Settings) -> AsyncIterator[GitHubApp]:
    options = Options(base_url=settings.github_api_url, patience=_REQUEST_PATIENCE)
    async with aiohttp.ClientSession() as session:
        yield GitHubApp(
            session,
            app_id=settings.github_app_id,
            private_key=settings.private_key_pem,
            clock=SystemClock(),
            options=options,
        )


async def _look(settings: Settings, wrong: Mapping[str, str]) -> Sequence[Finding]:
    findings: list[Finding] = []
    try:
        async with asyncio.timeout(_PATIENCE), _signed_in(settings) as github:
            async for found in _examine(github, settings, wrong):
                findings.append(found)  # noqa: PERF401 - findings before an error are kept
    except TimeoutError:
        findings.append(_error("App settings", f"no answer from GitHub within {_PATIENCE:.0f} s"))
    except GatewrightError as error:
        findings.append(_error("App settings", str(error)))
    return findings


async def _examine(github: GitHubApp, settings: Settings, wrong: Mapping[str, str]) -> AsyncIterator[Finding]:
    app, web = await github.registration.app(), settings.web_origin
    for each in _differences("App permissions", app_differences(app, web), "exactly those that are needed"):
        yield each
    hook = await github.registration.webhook()
    differences = webhook_differences(hook, app, public_url=settings.public_url, web_origin=web)
    for each in _differences("App webhook", differences, f"{hook.url}, JSON, with a secret"):
        yield each
    if "repositories" in wrong:
        yield Finding(part="App installations", grade="skipped", sentence=f"needs {PREFIX}REPOSITORIES")
        return
    installations = await github.registration.installations()
    by_owner = _by_owner(settings.listed.names)
    for owner, names in by_owner.items():
        found = next((one for one in installations if one.account.lower() == owner), None)
        async for each in _account(github, settings, app, found, names):
            yield each
    others = [one for one in installations if one.account.lower() not in by_owner]
    if others:
        listed = _some([one.account for one in others])
        yield Finding(
            part="App installations",
            grade="ok",
            sentence=f"also installed on {listed}, where no repository is listed: ignored",
        )


async def _account(
    github: GitHubApp,
    settings: Settings,
    app: AppRegistration,
    installation: AppInstallation | None,
    names: Sequence[str],
) -> AsyncIterator[Finding]:
    """Check the installation on one account, and git with its token."""
    owner = names[0].partition("/")[0]
    part = f"App on {owner}"
    if installation is None:
        where = f"{settings.web_origin}/apps/{app.slug}/installations/new"
        yield _error(
            part,
            f"the App is not installed, so Gatewright cannot serve {_some(names)}: install it at {where}",
        )
        return
    differences = installation_differences(app, installation, _some(names))
    for each in _differences(part, differences, "has accepted all permissions that the App requests"):
        yield each
    if installation.is_suspended:
        return
    held = await github.registration.repositories(owner)
    missing = [name for name in names if name.lower() not in held]
    if missing:
        yield Finding(
            part=part,
            grade="warning",
            sentence=f"the App is not installed on {_some(missing)}, so Gatewright cannot serve them: add them under Repository"
            f" access at {installation.address}, or remove them from {PREFIX}REPOSITORIES",
        )
    for name in [name for name in names if name.lower() in held][:1]:
        yield await _git(github, settings, _repo(name, installation.id))


async def _git(github: GitHubApp, settings: Settings, repo: Repo) -> Finding:
    """Read the tip of a repository with a token of its installation, as every plan does."""
    part, origin = f"git of {repo.owner}", settings.web_origin
    try:
        token = await github.git_token(repo)
        with tempfile.TemporaryDirectory(prefix="gatewright-doctor-") as home:
            said = await Git(home=Path(home)).run(
                f"listing {repo.full_name}",
                "ls-remote",
                f"{origin}/{repo.full_name}.git",
                "HEAD",
                config=token_config(origin, token),
                seconds=30,
            )
    except GatewrightError as error:
        sentence = (
            f"{error}: no plan can fetch {repo.full_name} from {origin}; check {PREFIX}GITHUB_URL and that this machine can"
            " reach it"
        )
        return _error(part, sentence)
    tip = said.stdout.decode(errors="replace")[:7] or "no commits yet"
    return Finding(part=part, grade="ok", sentence=f"{repo.full_name} can be fetched from {origin} ({tip})")


def _differences(part: str, differences: Iterable[Difference], well: str) -> Iterable[Finding]:
    found = [
        Finding(part=part, grade="error" if each.is_wrong else "warning", sentence=each.sentence)
        for each in differences
    ]
    return chain(found or [Finding(part=part, grade="ok", sentence=well)])


def _error(part: str, sentence: str) -> Finding:
    return Finding(part=part, grade="error", sentence=sentence)


def _by_owner(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.partition("/")[0].lower(), []).append(name)
    return found


def _repo(full_name: str, installation: int) -> Repo:
    owner, _, name = full_name.partition("/")
    return Repo(owner=owner, name=name, installation_id=installation)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
