"""Faults that a test orders."""

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Fault:
    """An answer given instead of the true one, to requests that match.

    `path` is searched as a regular expression. `times` None is for ever. With `before_effect` False the
    request takes effect and only its answer is lost. A fault without `status` and without
    `drop_connection` only waits `delay` seconds.
    """

    method: str | None
    path: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    times: int | None = 1
    before_effect: bool = True
    drop_connection: bool = False
    delay: float = 0.0
    hits: int = 0

    def takes(self, method: str, path: str) -> bool:
        """Whether a request meets this fault now."""
        spent = self.times is not None and self.hits >= self.times
        return not spent and self.method in {None, method} and re.search(self.path, path) is not None


class Faults:
    """The active faults, in order."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(
        self,
        *,
        path: str,
        method: str | None = None,
        status: int | None = None,
        headers: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        times: int | None = 1,
        before_effect: bool = True,
        drop_connection: bool = False,
        delay: float = 0.0,
    ) -> Fault:
        """Activate a fault and return it, so that its `hits` can be read."""
        fault = Fault(
            method=method,
            path=path,
            status=status,
            headers=headers or {},
            body=body,
            times=times,
            before_effect=before_effect,
            drop_connection=drop_connection,
            delay=delay,
        )
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Work faultlessly again."""
        self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, counted as hit."""
        for fault in self._faults:
            if fault.takes(method, path):
                fault.hits += 1
                return fault
        return None
