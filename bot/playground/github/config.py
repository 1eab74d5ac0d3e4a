"""The configuration of a stand-in."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bot.domain.core.app_permissions import app_events, app_permissions


@dataclass(kw_only=True, slots=True)
class StandInConfig:
    """Everything that is decided before the start.

    `webhook_url` and `callback_url` may be set later on the stand-in, because the bot's port is often
    known only then. `spec` is the OpenAPI file to check against; None switches the check off.
    `moving_reviews` is the part of the approvals that a force-push or a merge of the base moves to the new head,
    by `trust_seed`.
    `clock` gives seconds since the epoch and decides on token expiry and rate limits. The App asks for what the
    product says that it needs, so that a permission that the product forgot is missing here as well.
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
    app_permissions: Mapping[str, str] = field(default_factory=app_permissions)
    app_events: tuple[str, ...] = field(default_factory=app_events)
    extra_links: list[tuple[str, str]] = field(default_factory=list)
    delivery_timeout: float = 10.0
    save_delay: float = 0.2
    lag_seed: int = 1
    lag_longest: float = 0.3
    """Seconds by which REST and the refs of pull requests are at most behind the webhooks; 0 for not at all."""
    lag_clock: Callable[[], float] = time.monotonic
    """Real time, also where `clock` is a test's."""
    moving_reviews: float = 0.5
    trust_seed: int = 1
    hook_content_type: Literal["json", "form"] = "json"
    tip_lag_seed: int = 1
    tip_lag_longest: float = 0.3
    """Seconds by which the tip of a branch is at most behind a merge in REST; 0 for not at all."""
    tip_lag_clock: Callable[[], float] = time.monotonic
    """Real time, also where `clock` is a test's."""
    kept_deliveries: int = 500
    """GitHub keeps those of three days."""
    enterprise_cloud: bool = False
    """Whether the organisations are of GitHub Enterprise Cloud, which has more requests an hour."""
