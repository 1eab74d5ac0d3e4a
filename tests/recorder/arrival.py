"""Before the first experiment: whose organisation it is, and the repository in which everything happens."""

from __future__ import annotations

from yarl import URL

from tests.recorder.answers import field_of
from tests.recorder.checkout import Checkout
from tests.recorder.lab import REPO, Lab
from tests.recorder.plan import Plan, RefusedError
from tests.recorder.settings import RecorderSettings

PREFIX = "gatewright-recorder-"
_FOUND = 200
_CREATED = 201


async def admit(plan: Plan, lab: Lab) -> None:
    """Refuse an organisation that is in use, or that the person does not name once more."""
    shown = await lab.ask("GET", "/orgs/{org}")
    private, public = field_of(shown, "total_private_repos"), field_of(shown, "public_repos")
    if not isinstance(private, int) or not isinstance(public, int):
        raise RefusedError(
            f"{plan.organisation} does not say how many repositories it has ({shown.status});"
            " use a token of one of its owners with the scope admin:org"
        )
    if private + public > plan.most_repositories:
        raise RefusedError(
            f"{plan.organisation} has {private + public} repositories, more than {plan.most_repositories}:"
            " use an organisation that holds nothing else (--most-repositories allows more)"
        )
    question = (
        f"The recorder makes a repository, a team, pull requests, reviews and check runs in {plan.organisation},"
        f" with at most {plan.most_requests} requests. Type the organisation's name to go on."
    )
    if await lab.person.ask(question) != plan.organisation:
        raise RefusedError("the name was not repeated; nothing was made")


async def settle_in(plan: Plan, settings: RecorderSettings, lab: Lab) -> None:
    """Know the people, make or find the repository, and clone it."""
    me = await lab.ask("GET", "/user")
    lab.author_login = str(field_of(me, "login") or "")
    name = plan.repository or f"{PREFIX}{lab.clock.now():%Y%m%d-%H%M%S}"
    lab.repository = name
    if plan.repository:
        made = await lab.ask("GET", REPO)
    else:
        body = {"name": name, "private": True, "auto_init": True}
        made = await lab.ask("POST", "/orgs/{org}/repos", body=body)
        if made.status != _CREATED:
            raise RefusedError(f"the repository could not be made: GitHub answered {made.status}")
        lab.made.append(f"/repos/{plan.organisation}/{name}")
    lab.repository_id = int(field_of(made, "id") or 0)
    lab.redaction.name({lab.author_login: "author", plan.organisation: "organisation", name: "repository"})
    await _know_reviewer(lab)
    await _know_app(lab)
    email = f"{field_of(me, 'id')}+{lab.author_login}@users.noreply.github.com"
    origin, url = _origin(settings.api_url), str(field_of(made, "clone_url"))
    if _origin(url) != origin:
        raise RefusedError(f"the repository is to be cloned from {_origin(url)}, which is not {origin}")
    lab.checkout = Checkout(
        lab.directory, origin=origin, url=url, who=lab.author, name=lab.author_login, email=email
    )
    await _begin(lab)


async def _begin(lab: Lab) -> None:
    """Clone the repository as soon as it has its first commit."""

    async def begun() -> bool:
        return (await lab.ask("GET", f"{REPO}/branches/{{branch}}", branch="main")).status == _FOUND

    if await lab.until(begun, seconds=20, every=2) is None:
        raise RefusedError(
            f"{lab.repository} has no branch main; in the settings of {lab.organisation} choose Repository →"
            " Repository defaults and name the default branch main, then start again"
        )
    await lab.checkout.clone()


async def _know_reviewer(lab: Lab) -> None:
    if lab.reviewer is None:
        return
    shown = await lab.ask("GET", "/user", by=lab.reviewer)
    lab.reviewer_login = str(field_of(shown, "login") or "")
    lab.redaction.name({lab.reviewer_login: "reviewer"})
    route = f"{REPO}/collaborators/{{username}}"
    given = await lab.ask("PUT", route, body={"permission": "push"}, username=lab.reviewer_login)
    if given.status == _CREATED:
        await lab.person.ask(
            f"Accept the invitation as {lab.reviewer_login}: {_invitation(lab)}; then press Enter."
        )


def _invitation(lab: Lab) -> str:
    return f"https://github.com/{lab.organisation}/{lab.repository}/invitations"


async def _know_app(lab: Lab) -> None:
    if lab.app is None:
        return
    shown = await lab.ask("GET", "/app", by=lab.app)
    slug = str(field_of(shown, "slug") or "")
    lab.redaction.name({slug: "the-app"})

    async def installed() -> bool:
        found = await lab.ask("GET", f"{REPO}/installation", by=lab.app)
        lab.installation_id = int(field_of(found, "id") or 0)
        return bool(lab.installation_id)

    if await lab.until(installed, seconds=20, every=2) is None:
        raise RefusedError(
            f"install the App {slug} on all repositories of {lab.organisation}, then start again"
        )


def _origin(address: str) -> str:
    """Return the web origin of an address; that of `api.github.com` is `github.com`."""
    url = URL(address)
    host = url.host or ""
    return str(url.with_host(host.removeprefix("api.")).origin())
