"""Who looks at a page, and what that person may do."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Account, Pull, Repo, Role

COOKIE = "act_as"
NOT_OURS = {"cross-site", "same-site"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The person acted as; None before anybody exists."""

    hub: Hub
    account: Account | None

    @property
    def login(self) -> str:
        """The login, empty for nobody."""
        return self.account.login if self.account else ""

    def role(self, repo: Repo) -> Role:
        """The person's role on a repository."""
        return self.hub.state.role(repo, self.login)

    def may(self, repo: Repo, least: Role) -> bool:
        """Whether the person has at least that role."""
        return bool(self.login) and self.role(repo).at_least(least)

    def may_steer(self, repo: Repo, pull: Pull) -> bool:
        """Authors steer their own pull requests, writers all."""
        return self.may(repo, Role.WRITE) or (pull.author == self.login and self.may(repo, Role.READ))

    def repo(self, request: web.Request) -> Repo:
        """The repository of the path; 404 when the person may not see it."""
        full_name = f"{request.match_info['owner']}/{request.match_info['repo']}"
        found = self.hub.state.data.repos.get(full_name.lower())
        if found is None or not self.role(found).at_least(Role.READ):
            raise web.HTTPNotFound
        return found

    def pull(self, request: web.Request) -> tuple[Repo, Pull]:
        """The pull request of the path."""
        repo = self.repo(request)
        number = request.match_info["number"]
        found = repo.pulls.get(int(number)) if number.isdigit() else None
        if found is None:
            raise web.HTTPNotFound
        return repo, found


def people(hub: Hub) -> list[Account]:
    """Everybody one can act as."""
    return [account for account in hub.state.data.accounts.values() if account.type == "User"]


def viewer_of(hub: Hub, request: web.Request) -> Viewer:
    """The person of the cookie, else the first there is."""
    everybody = people(hub)
    wanted = request.cookies.get(COOKIE, "").lower()
    found = next((account for account in everybody if account.login.lower() == wanted), None)
    return Viewer(hub=hub, account=found or (everybody[0] if everybody else None))


def require_same_origin(request: web.Request) -> None:
    """Refuse a form that another site sent; browsers always say where a form comes from."""
    origin = request.headers.get("Origin")
    foreign = request.headers.get("Sec-Fetch-Site") in NOT_OURS
    if foreign or (origin is not None and urlsplit(origin).netloc != request.host):
        raise web.HTTPForbidden(text="This form came from another site.")
