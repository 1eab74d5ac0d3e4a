"""The secrets of a playground, created at its first start and kept in a private file."""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaygroundSecrets:
    """The values of secret settings."""

    webhook_secret: str = field(repr=False)
    client_secret: str = field(repr=False)
    session_key: str = field(repr=False)
    encryption_key: str = field(repr=False)
    metrics_token: str = field(repr=False)


def load(directory: Path) -> PlaygroundSecrets:
    """Return the stored secrets, or create them."""
    path = directory / "secrets.json"
    if path.exists():
        return PlaygroundSecrets(**json.loads(path.read_text(encoding="utf-8")))
    made = PlaygroundSecrets(
        webhook_secret=secrets.token_urlsafe(24),
        client_secret=secrets.token_urlsafe(24),
        session_key=secrets.token_urlsafe(36),
        encryption_key=base64.urlsafe_b64encode(os.urandom(32)).decode(),
        metrics_token=secrets.token_urlsafe(24),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(made), file)
    return made
