"""Authenticated encryption of stored plan files, state snapshots and artifacts."""

from __future__ import annotations

import base64
import re
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.domain.core.errors import GatewrightError, IntegrityError
from bot.domain.core.model import FailureClass

KEY_BYTES = 32
_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_ENCODED_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")


class EncryptionKeyError(GatewrightError):
    """The configured encryption key is invalid; the message never contains the key."""

    failure_class = FailureClass.CONFIG


def parse_key(text: str) -> bytes:
    """Return the 32 key bytes of URL-safe base64, padded or not; else EncryptionKeyError."""
    encoded = text.strip()
    if not _ENCODED_KEY.fullmatch(encoded):
        raise EncryptionKeyError(
            "The encryption key must be 32 random bytes in URL-safe base64 (43 characters and an optional `=`). "
            "Make one with: openssl rand -base64 32 | tr '+/' '-_'"
        )
    return base64.urlsafe_b64decode(encoded.rstrip("=") + "=")


class AesGcmCipher:
    """AES-256-GCM. A sealed value is a version byte, a random 96-bit nonce, ciphertext, tag."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise EncryptionKeyError(f"The encryption key must have {KEY_BYTES} bytes, it has {len(key)}.")
        self._aead = AESGCM(key)

    def seal(self, data: bytes, *, context: str) -> bytes:
        """Encrypt; `context` (the object key) is needed again to open."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._aead.encrypt(nonce, data, _associated_data(context))

    def open(self, data: bytes, *, context: str) -> bytes:
        """Decrypt; IntegrityError if bytes, context or key differ from those of `seal`."""
        if len(data) < len(_VERSION) + _NONCE_BYTES + _TAG_BYTES:
            raise IntegrityError(
                f"{context} is too short to be a sealed value: it was cut off or never sealed."
            )
        if data[: len(_VERSION)] != _VERSION:
            raise IntegrityError(f"{context} was not sealed by this version of Gatewright.")
        body = memoryview(data)[len(_VERSION) :]
        try:
            return self._aead.decrypt(
                bytes(body[:_NONCE_BYTES]), body[_NONCE_BYTES:], _associated_data(context)
            )
        except InvalidTag as exc:
            raise IntegrityError(
                f"{context} does not open: it was changed, moved from another place, or sealed with another key."
            ) from exc


def _associated_data(context: str) -> bytes:
    # The version is authenticated as well, so that a later format cannot be passed off as this one.
    return _VERSION + context.encode()
