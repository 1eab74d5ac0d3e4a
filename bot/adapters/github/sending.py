"""Sends a request with a turn to write, a signature, retries and uniform errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Protocol

from bot.adapters.github.call import GRAPHQL, Call
from bot.adapters.github.failures import Failure, GraphQlError, Next, judge
from bot.adapters.github.newest import NewestOnly
from bot.adapters.github.options import Options, Waits
from bot.adapters.github.pacing import Place, WriteQueue
from bot.adapters.github.transport import Answer, Token, Transport
from bot.ports import Clock

_FIRST_BACK_OFF = 0.5
_LONGEST_BACK_OFF = 15.0

SKEW = timedelta(seconds=60)
"""How far GitHub's clock may be behind ours when a write with a lost answer is looked for."""

Look = Callable[[], Awaitable[Answer | None]]
"""Looks for the result of a write that is in doubt; returns the answer it would have had."""


class Credential(Protocol):
    """Signs requests."""

    @property
    def scope(self) -> str:
        """The owner of the rate limit that its requests count towards."""
        ...

    async def token(self) -> Token:
        """Return a token that is valid for the next minutes."""
        ...

    def forget(self) -> None:
        """Drop the token, because GitHub refused it."""
        ...


class Sender:
    """Sends calls until they succeed, fail permanently or time out; raises only `GitHubError`."""

    def __init__(self, transport: Transport, clock: Clock, options: Options, waits: Waits) -> None:
        self._transport = transport
        self._clock = clock
        self._waits = waits
        self._patience = options.patience
        self._closed_until: dict[str, float] = {}
        self._paced = options.write_limits is not None
        self._queue = WriteQueue(clock, options, waits)
        self._newest = NewestOnly()

    async def send(
        self, call: Call, credential: Credential, *, look: Look | None = None, in_doubt: bool = False
    ) -> Answer:
        """Return GitHub's response.

        Before a write is repeated that may have succeeded, `look` searches for its result. `in_doubt` means
        that this call may already be a repetition.
        """
        if call.write is None or not self._paced:
            return await self._send(call, credential, None, look=look, in_doubt=in_doubt)
        # One place for all attempts, so that a retry does not go to the end of the queue.
        place = self._queue.place(call.write, call.doing)
        send = partial(self._send, call, credential, place, look=look, in_doubt=in_doubt)
        return await (self._newest.write(call.subject, place, send) if call.is_state else send())

    async def stop(self) -> None:
        """Stop writing."""
        await self._queue.stop()

    async def _send(
        self, call: Call, credential: Credential, place: Place | None, *, look: Look | None, in_doubt: bool
    ) -> Answer:
        patience = _Patience(self._waits, self._patience)
        renewed = False
        while True:
            if in_doubt and look is not None and (found := await look()) is not None:
                return found
            outcome = await self._attempt(call, credential, place, patience)
            if isinstance(outcome, Answer):
                return outcome
            failure, error = outcome
            in_doubt = in_doubt or failure.in_doubt
            # A token may have been revoked before it expired; if a new one is refused as well, the error is permanent.
            if failure.next is Next.RENEW and not renewed:
                renewed = True
                credential.forget()
            elif failure.next in {Next.BACK_OFF, Next.WAIT}:
                await self._pause(call, credential, failure, patience, error)
            else:
                raise failure.as_error(call.doing) from error

    async def _attempt(
        self, call: Call, credential: Credential, place: Place | None, patience: _Patience
    ) -> Answer | tuple[Failure, Exception | None]:
        await self._until_open(call, credential, patience)
        if place is None:
            return await self._ask(call, credential)
        # Time in our own queue does not count: the queue has its own limit.
        queued = self._waits.monotonic()
        async with self._queue.turn(credential.scope, place):
            patience.extend(self._waits.monotonic() - queued)
            return await self._ask(call, credential)

    async def _ask(self, call: Call, credential: Credential) -> Answer | tuple[Failure, Exception | None]:
        token = await credential.token()
        try:
            answer = await self._transport.ask(call, token)
            return refuse_errors(answer) if call.route == GRAPHQL else answer
        except Exception as error:
            failure = judge(error, self._clock.now(), secret=token.value)
            if failure is None:
                raise
            # An error that contains the token is dropped as the cause, so that no log shows it.
            return failure, None if token.value in str(error) else error

    async def _until_open(self, call: Call, credential: Credential, patience: _Patience) -> None:
        """Wait until the rate limit of this credential is over."""
        # GitHub extends the limit for callers that keep sending requests.
        wait = self._closed_until.get(credential.scope, 0.0) - self._waits.monotonic()
        if wait > 0 and not await patience.sleep(wait + self._waits.random()):
            failure = Failure(next=Next.WAIT, message="GitHub is rate limiting")
            raise failure.as_error(call.doing, retry_after=wait)

    async def _pause(
        self,
        call: Call,
        credential: Credential,
        failure: Failure,
        patience: _Patience,
        error: Exception | None,
    ) -> None:
        wait = patience.back_off() if failure.next is Next.BACK_OFF else failure.wait + self._waits.random()
        if failure.next is Next.WAIT:
            until = self._waits.monotonic() + wait
            self._closed_until[credential.scope] = max(until, self._closed_until.get(credential.scope, 0.0))
            if self._paced:
                await self._queue.close(credential.scope, wait)
        if not await patience.sleep(wait):
            raise failure.as_error(call.doing, retry_after=wait) from error


class _Patience:
    """The waits of one call, limited together with the duration of its attempts."""

    def __init__(self, waits: Waits, limit: float) -> None:
        self._waits = waits
        self._deadline = waits.monotonic() + limit
        self._attempts = 0

    def extend(self, seconds: float) -> None:
        """Do not count time that was spent in our own queue."""
        self._deadline += seconds

    def back_off(self) -> float:
        """Return the next exponential wait in seconds, with jitter."""
        # Jitter, so that many callers do not retry at the same moment.
        longest = min(_FIRST_BACK_OFF * 2.0**self._attempts, _LONGEST_BACK_OFF)
        self._attempts += 1
        return longest * (0.5 + self._waits.random() / 2)

    async def sleep(self, seconds: float) -> bool:
        """Sleep; returns False immediately if that would exceed the limit."""
        if self._waits.monotonic() + seconds > self._deadline:
            return False
        await self._waits.sleep(seconds)
        return True


def refuse_errors(answer: Answer) -> Answer:
    """Raise GraphQlError for a GraphQL answer with errors."""
    errors = answer.data.get("errors") if isinstance(answer.data, dict) else None
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        raise GraphQlError(str(errors[0].get("type")), str(errors[0].get("message")))
    return answer
