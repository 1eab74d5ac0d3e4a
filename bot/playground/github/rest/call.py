"""One REST request as its handler sees it, and the answer it gives."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.playground.github.auth import Auth, Principal
from bot.playground.github.errors import ApiError, not_found
from bot.playground.github.hub import Hub
from bot.playground.github.records.model import Repo

PER_PAGE = 30
PER_PAGE_MOST = 100


class Body(BaseModel):
    """Base of request bodies: a field GitHub does not know is refused, nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True)


Model = TypeVar("Model", bound=Body)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; `body` None sends none. A text body is sent as `content_type`."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has passed authentication."""

    hub: Hub
    auth: Auth
    who: Principal
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    accept: str = ""

    def repo(self) -> Repo:
        """The repository of the path; the route has already checked access."""
        return self.hub.state.repo(f"{self.params['owner']}/{self.params['repo']}")

    def number(self, name: str) -> int:
        """A number of the path; 404 for anything else."""
        text = self.params[name]
        if not text.isascii() or not text.isdigit():
            raise not_found()
        return int(text)

    def parse(self, model: type[Model]) -> Model:
        """The body as a model; 422 in GitHub's words when it does not fit."""
        try:
            return model.model_validate({} if self.body is None else self.body)
        except ValidationError as error:
            errors = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
            text = f"Invalid request.\n\n{'; '.join(errors)}"
            details = [
                {"resource": model.__name__, "field": ".".join(map(str, each["loc"])), "code": "invalid"}
                for each in error.errors()
            ]
            raise ApiError(422, text, errors=details) from error

    def is_public_read(self, level: str) -> bool:
        """Whether it only reads what everybody may read, which needs no permission."""
        return level == "read" and not self.repo().private

    @property
    def actor(self) -> str:
        """The login that acts: the user's, or the App's bot."""
        return self.who.user or self.hub.bot_login

    @property
    def via_app(self) -> bool:
        """Whether the App acts."""
        return self.who.installation is not None

    def page(self, items: Sequence[Item]) -> tuple[Sequence[Item], dict[str, str]]:
        """The asked page and its Link header; more than 100 a page is cut to 100, as GitHub does."""
        size = max(1, min(PER_PAGE_MOST, self._positive("per_page", PER_PAGE)))
        number = max(1, self._positive("page", 1))
        last = max(1, -(-len(items) // size))
        wanted = {}
        if number > 1:
            wanted = {"prev": min(number - 1, last), "first": 1}
        if number < last:
            wanted = {**wanted, "next": number + 1, "last": last}
        links = ", ".join(f'<{self._address(page)}>; rel="{name}"' for name, page in wanted.items())
        return items[(number - 1) * size : number * size], {"Link": links} if links else {}

    def _positive(self, name: str, default: int) -> int:
        text = self.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() else default

    def _address(self, page: int) -> str:
        return f"{self.hub.api_url}{self.path}?{urlencode({**self.query, 'page': page})}"

    def paged(self, items: Sequence[Item], shape: Callable[[Item], Any]) -> Reply:
        """An answer with one page of shapes."""
        some, headers = self.page(items)
        return Reply(body=[shape(item) for item in some], headers=headers)


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation.

    `path` is an aiohttp pattern below the API's root. `needs` are alternative permissions for the
    repository of the path; without them the handler checks the caller itself. `content` writes count
    against the secondary limit on content. `template` is the path in GitHub's description where it differs.
    `checked` are permissions that the handler itself asks for. Each follows GitHub's page "Permissions required for
    GitHub Apps" (its data: github/docs, src/github-apps/data, server-to-server-permissions.json).
    """

    method: str
    path: str
    handler: Handler
    needs: tuple[str, ...] = ()
    content: bool = False
    template: str | None = None
    checked: tuple[str, ...] = ()

    @property
    def accepts(self) -> tuple[str, ...]:
        """The permissions of which the operation accepts any."""
        return self.needs or self.checked

    @property
    def described(self) -> str:
        """The path as GitHub's description writes it."""
        return self.template or self.path
