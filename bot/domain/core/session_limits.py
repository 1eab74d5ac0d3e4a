"""Limits of every session on PostgreSQL, so that a stalled process releases its locks.

A stopped process, a frozen machine or a cut network inside a transaction would keep its locks until a person notices.
PostgreSQL ends such a session before other workers take over the work of its process.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

TAKEOVER_SECONDS: Final = 20.0
LOCK_SECONDS: Final = 30.0
SESSION_PREFIX: Final = "gatewright"
"""Prefix of the name of every session (`application_name`)."""
_LONGEST_PAUSE: Final = 10.0
_CONNECT_SECONDS: Final = 10
_PROBES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """The limits that PostgreSQL and its client library get when a session starts."""

    takeover_seconds: float = TAKEOVER_SECONDS
    """Silence of a process after which others take over its work."""
    statement_seconds: float = 60.0
    """How long one statement may take, its waiting for locks included; 0 for no limit."""
    lock_seconds: float = LOCK_SECONDS
    """How long one statement may wait for a lock; 0 for no limit."""
    name: str = SESSION_PREFIX
    """Name of the process in `pg_stat_activity`; at most 63 characters."""

    @property
    def pause_seconds(self) -> float:
        """How long a session may be idle inside a transaction, at most ten seconds."""
        return min(_LONGEST_PAUSE, self.takeover_seconds / 2)

    def parameters(self, given: Mapping[str, str | Sequence[str]]) -> dict[str, str]:
        """Return the connection parameters: these limits, overridden by those of a database URL."""
        mine = self._of_client() | {"options": self._of_server()}
        known = {key: value if isinstance(value, str) else " ".join(value) for key, value in given.items()}
        options = f"{mine['options']} {known.get('options', '')}".strip()
        return mine | known | {"options": options, "application_name": self.name}

    def _of_client(self) -> dict[str, str]:
        idle, interval = self._keepalives()
        return {
            "connect_timeout": str(_CONNECT_SECONDS),
            "keepalives": "1",
            "keepalives_idle": str(idle),
            "keepalives_interval": str(interval),
            "keepalives_count": str(_PROBES),
            "tcp_user_timeout": _milliseconds(self.pause_seconds),
        }

    def _of_server(self) -> str:
        idle, interval = self._keepalives()
        settings = {
            "idle_in_transaction_session_timeout": _milliseconds(self.pause_seconds),
            "statement_timeout": _milliseconds(self.statement_seconds),
            "lock_timeout": _milliseconds(self.lock_seconds),
            "tcp_keepalives_idle": str(idle),
            "tcp_keepalives_interval": str(interval),
            "tcp_keepalives_count": str(_PROBES),
            "tcp_user_timeout": _milliseconds(self.pause_seconds),
        }
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def _keepalives(self) -> tuple[int, int]:
        """Return the seconds until the first probe and between two; 0 means the system's default."""
        idle = max(1, math.floor(self.pause_seconds / 2))
        return idle, max(1, math.floor((self.pause_seconds - idle) / _PROBES))


USUAL: Final = SessionLimits()
"""The limits of a process without a setting of its own."""


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
