"""What no recording may hold: secrets, e-mail addresses, pictures and people's names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

GONE = "redacted"
_KEYS = frozenset(
    {
        "avatar_url",
        "client_secret",
        "email",
        "gravatar_id",
        "notification_email",
        "pem",
        "temp_clone_token",
        "token",
        "webhook_secret",
        "x-hub-signature",
        "x-hub-signature-256",
    }
)
_TEXTS = re.compile(
    r"(?:gh[a-z]|github_pat)_[A-Za-z0-9_.=-]{10,}"  # tokens of GitHub
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"  # signed tokens
    r"|[\w.+\[\]-]+@[\w-]+(?:\.[\w-]+)+"  # e-mail addresses
    r"|https?://avatars\.[^\s\"')]+"  # pictures
    r"|-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----",  # keys and signatures
    re.DOTALL,
)


class Redaction:
    """Replaces secrets by one word, and names by the part that their bearer plays."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._names: dict[str, str] = {}

    def keep(self, secret: str) -> None:
        """Know one more secret."""
        self._secrets.append(secret)

    def name(self, names: Mapping[str, str]) -> None:
        """Know what real names are replaced by."""
        self._names.update({real.lower(): part for real, part in names.items() if real})

    def clean(self, value: Any) -> Any:
        """Return a JSON value without what nobody may read."""
        match value:
            case dict():
                return {self.text(key): self._entry(key, each) for key, each in value.items()}
            case list():
                return [self.clean(each) for each in value]
            case str():
                return self.text(value)
            case _:
                return value

    def _entry(self, key: str, value: Any) -> Any:
        hidden = key.lower() in _KEYS and isinstance(value, str)
        return GONE if hidden and value else self.clean(value)

    def text(self, text: str) -> str:
        """Return a text without what nobody may read."""
        for secret in self._secrets:
            text = text.replace(secret, GONE)
        text = _TEXTS.sub(GONE, text)
        if not self._names:
            return text
        names = "|".join(re.escape(name) for name in sorted(self._names, key=len, reverse=True))
        pattern = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])", re.IGNORECASE)
        return pattern.sub(lambda found: self._names[found[0].lower()], text)
