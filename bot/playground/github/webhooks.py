"""Delivery of webhooks: signed, in the background, logged, and never repeated."""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp

from bot.playground.github.records.model import Delivery
from bot.playground.github.records.state import State

HOOK_ID = 292430182


class Hooks:
    """The queue of deliveries to the App's one webhook address.

    Deliveries leave one at a time in the order they were made; each waits for the receiver's answer. The
    test knobs make the trouble that GitHub makes: late, doubled, reordered and lost deliveries.
    """

    def __init__(
        self,
        state: State,
        *,
        url: str | None,
        secret: str,
        app_id: int,
        time_limit: float,
        content_type: Literal["json", "form"] = "json",
        kept: int,
        spawn: Callable[[str, Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self.url = url
        self.secret = secret
        self.content_type = content_type
        self._state = state
        self._app_id = app_id
        self._time_limit = time_limit
        self._kept = kept
        self._spawn = spawn
        self._bodies = state.directory / "deliveries"
        self._bodies.mkdir(exist_ok=True)
        self._pending: list[Delivery] = []
        self._waking = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._paused = False
        self._doubles = 0
        self._losses = 0
        self._session: aiohttp.ClientSession | None = None
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to deliver, first the pending deliveries of a previous process."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._time_limit), auto_decompress=False
        )
        left = [entry for entry in self._state.data.deliveries.values() if entry.status == "pending"]
        self._worker = self._spawn("webhook deliveries", self._work())
        for entry in left:
            self._enqueue(entry)

    async def stop(self) -> None:
        """Stop delivering; pending deliveries stay for the next start."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        if self._session is not None:
            await self._session.close()

    @property
    def pending(self) -> list[Delivery]:
        """Return the pending deliveries, in order."""
        return list(self._pending)

    def pause(self) -> None:
        """Hold everything back until `resume`."""
        self._paused = True

    def resume(self) -> None:
        """Send the paused deliveries."""
        self._paused = False
        self._waking.set()

    def reorder(self, key: Callable[[Delivery], Any]) -> None:
        """Sort the pending deliveries; used between `pause` and `resume`."""
        self._pending.sort(key=key)

    def reverse(self) -> None:
        """Turn the pending deliveries round; used between `pause` and `resume`."""
        self._pending.reverse()

    def duplicate_next(self, count: int = 1) -> None:
        """Send each of the next deliveries twice, with the same GUID."""
        self._doubles += count

    def lose_next(self, count: int = 1) -> None:
        """Record the next deliveries as failed without sending them."""
        self._losses += count

    async def settled(self) -> None:
        """Wait until every queued delivery was answered; returns at once while paused."""
        while not self._paused and not self._idle.is_set():
            await self._idle.wait()

    def queue(
        self,
        event: str,
        payload: dict[str, Any],
        *,
        installation_id: int | None = None,
        repository_id: int | None = None,
    ) -> None:
        """Queue an event. Without a webhook address GitHub keeps no record either."""
        if self.url is None:
            return
        entry = Delivery(
            id=self._state.large_id(),
            guid=str(uuid.uuid4()),
            event=event,
            action=payload.get("action"),
            installation_id=installation_id,
            repository_id=repository_id,
            created_at=self._state.clock(),
        )
        self._body_file(entry.guid).write_text(json.dumps(payload), encoding="utf-8")
        self._record(entry)
        self._enqueue(entry)

    def redeliver(self, entry: Delivery) -> Delivery:
        """Queue the same body again under the same GUID, as a new entry of the log."""
        again = entry.model_copy(
            update={
                "id": self._state.large_id(),
                "created_at": self._state.clock(),
                "delivered_at": None,
                "redelivery": True,
                "status": "pending",
                "status_code": 0,
                "answer": "",
            }
        )
        self._record(again)
        self._enqueue(again)
        return again

    def payload(self, guid: str) -> dict[str, Any]:
        """The body of a delivery."""
        body: dict[str, Any] = json.loads(self._body_file(guid).read_text(encoding="utf-8"))
        return body

    def _body_file(self, guid: str) -> Path:
        return self._bodies / f"{guid}.json"

    def _record(self, entry: Delivery) -> None:
        log = self._state.data.deliveries
        log[entry.id] = entry
        if len(log) > self._kept:
            self._forget(len(log) - self._kept)
        self._state.changed()

    def _forget(self, count: int) -> None:
        """Drop the oldest deliveries, but never a pending one."""
        log = self._state.data.deliveries
        for key in sorted(key for key, each in log.items() if each.status != "pending")[:count]:
            oldest = log.pop(key)
            if all(other.guid != oldest.guid for other in log.values()):
                self._body_file(oldest.guid).unlink(missing_ok=True)

    def _enqueue(self, entry: Delivery) -> None:
        self._pending.append(entry)
        self._idle.clear()
        self._waking.set()

    async def _work(self) -> None:
        while True:
            while self._paused or not self._pending:
                if not self._pending:
                    self._idle.set()
                self._waking.clear()
                await self._waking.wait()
            entry = self._pending.pop(0)
            await self._deliver(entry)
            if self._doubles > 0 and entry.status_code:
                self._doubles -= 1
                await self._deliver(entry)

    async def _deliver(self, entry: Delivery) -> None:
        started = time.monotonic()
        if self._losses > 0:
            self._losses -= 1
            entry.status, entry.status_code = "failed to connect to host", 0
        else:
            entry.status, entry.status_code, entry.answer = await self._send(entry)
        entry.duration = round(time.monotonic() - started, 2)
        entry.delivered_at = self._state.clock()
        self._state.changed()

    async def _send(self, entry: Delivery) -> tuple[str, int, str]:
        """Status text, HTTP code (0 without an answer) and the start of the answer's body."""
        if self.url is None or self._session is None:
            return "no webhook URL", 0, ""
        body = self._body_file(entry.guid).read_bytes()
        if self.content_type == "form":
            body = urlencode({"payload": body.decode()}).encode()
        try:
            async with self._session.post(
                self.url, data=body, headers=self.headers(entry, body), allow_redirects=False
            ) as answer:
                text = (await answer.content.read(2000)).decode(errors="replace")
                good = answer.status < 400  # noqa: PLR2004
                return "OK" if good else f"Invalid HTTP Response: {answer.status}", answer.status, text
        except TimeoutError:
            return "timed out", 0, ""
        except aiohttp.ClientError as error:
            return f"failed to connect to host: {type(error).__name__}", 0, ""

    def headers(self, entry: Delivery, body: bytes) -> dict[str, str]:
        """The request headers of a delivery, signatures included."""
        key = self.secret.encode()
        signatures = {
            "X-Hub-Signature": "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest(),
            "X-Hub-Signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest(),
        }
        is_form = self.content_type == "form"
        return {
            "Accept": "*/*",
            "Content-Type": "application/x-www-form-urlencoded" if is_form else "application/json",
            "User-Agent": "GitHub-Hookshot/5f1e2d3",
            "X-GitHub-Delivery": entry.guid,
            "X-GitHub-Event": entry.event,
            "X-GitHub-Hook-ID": str(HOOK_ID),
            "X-GitHub-Hook-Installation-Target-ID": str(self._app_id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            # Without a secret GitHub signs nothing ("Validating webhook deliveries").
            **(signatures if self.secret else {}),
        }
