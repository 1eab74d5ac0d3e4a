"""Refusals, as GitHub words them."""

from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


class ApiError(Exception):
    """A request that is answered with an error body; `status` is the HTTP status."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON body GitHub would send."""
        body: dict[str, Any] = {"message": self.message, "documentation_url": DOCUMENTATION}
        if self.errors is None:
            return {**body, "status": str(self.status)}
        return {**body, "errors": self.errors}  # GitHub's "validation failed" has no status of its own.


def not_found() -> ApiError:
    """Return 404, also for objects that the caller may not see."""
    return ApiError(404, "Not Found")


def forbidden() -> ApiError:
    """The answer for a token whose permissions do not reach."""
    return ApiError(403, "Resource not accessible by integration")


def suspended() -> ApiError:
    """The answer to an App for an installation that was suspended (octokit/octokit.rb#1307)."""
    return ApiError(403, "This installation has been suspended")


def invalid(resource: str, field: str, message: str, *, code: str = "custom") -> ApiError:
    """A 422 in GitHub's shape."""
    error = {"resource": resource, "field": field, "code": code, "message": message}
    return ApiError(422, f"Validation Failed: {message}", errors=[error])
