"""How a stand-in is set up."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

APP_PERMISSIONS: Mapping[str, str] = {
    "actions": "read",
    "checks": "write",
    "contents": "write",
    "deployments": "write",
    "issues": "write",
    "members": "read",
    "merge_queues": "read",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "write",
}
APP_EVENTS = (
    "check_run",
    "check_suite",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "push",
    "status",
)


@dataclass(kw_only=True, slots=True)
class StandInConfig:
    """Everything that is decided before the start.

    `webhook_url` and `callback_url` may be set later on the stand-in, because the bot's port is often
    known only then. `spec` is the OpenAPI file to check against; None switches the check off.
    `clock` gives seconds since the epoch and decides on token expiry and rate limits.
    """

    state_dir: Path
    spec: Path | None = None
    webhook_url: str | None = None
    webhook_secret: str = "stand-in-webhook-secret"  # noqa: S105
    app_id: int = 12345
    app_slug: str = "gatewright"
    app_name: str = "Gatewright"
    private_key_pem: str | None = None
    client_id: str = "Iv23standin0000client"
    client_secret: str = "stand-in-client-secret"  # noqa: S105
    callback_url: str | None = None
    clock: Callable[[], float] = time.time
    app_permissions: Mapping[str, str] = field(default_factory=lambda: dict(APP_PERMISSIONS))
    app_events: tuple[str, ...] = APP_EVENTS
    extra_links: list[tuple[str, str]] = field(default_factory=list)
    delivery_timeout: float = 10.0
    save_delay: float = 0.2
