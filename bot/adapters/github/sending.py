"""A request with everything polite around it: turn, signature, retries, and one kind of error."""

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
"""How far GitHub's clock may be behind ours when a lost write is looked for by its time."""

Look = Callable[[], Awaitable[Answer | None]]
"""Looks whether a write that is in doubt has arrived; returns what its answer would have been."""


class Credential(Protocol):
    """Something that requests can be signed with."""

    @property
    def scope(self) -> str:
        """Whose rate limit is used."""
        ...

    async def token(self) -> Token:
        """Return a token that is valid for the next minutes."""
        ...

    def forget(self) -> None:
        """Drop the token; GitHub did not accept it."""
        ...


class Sender:
    """Sends calls until they succeed, fail for good, or patience ends; raises only `GitHubError`."""

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
        """Return GitHub's answer.

        Before a write whose first attempt may have taken effect is repeated, `look` is asked for it; `in_doubt`
        says that already the first attempt here may be such a repetition.
        """
        if call.write is None or not self._paced:
            return await self._send(call, credential, None, look=look, in_doubt=in_doubt)
        place = self._queue.place(call.write, call.doing)
        send = partial(self._send, call, credential, place, look=look, in_doubt=in_doubt)
        return await (self._newest.write(call.subject, place, send) if call.is_state else send())

    async def stop(self) -> None:
        """Write nothing more."""
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
            # An answer that repeats the token may not reach any log.
            return failure, None if token.value in str(error) else error

    async def _until_open(self, call: Call, credential: Credential, patience: _Patience) -> None:
        """Wait while GitHub limits this caller: asking on regardless makes it shut us out for longer."""
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
    """The waits of one call; they grow, and their sum with the time of the attempts is bounded."""

    def __init__(self, waits: Waits, limit: float) -> None:
        self._waits = waits
        self._deadline = waits.monotonic() + limit
        self._attempts = 0

    def extend(self, seconds: float) -> None:
        """Leave out time that was spent in a queue of our own."""
        self._deadline += seconds

    def back_off(self) -> float:
        """Return the next exponential wait, with jitter, so that many callers do not return together."""
        longest = min(_FIRST_BACK_OFF * 2.0**self._attempts, _LONGEST_BACK_OFF)
        self._attempts += 1
        return longest * (0.5 + self._waits.random() / 2)

    async def sleep(self, seconds: float) -> bool:
        """Sleep, or return False at once when patience would end before."""
        if self._waits.monotonic() + seconds > self._deadline:
            return False
        await self._waits.sleep(seconds)
        return True


def refuse_errors(answer: Answer) -> Answer:
    """Raise GraphQlError for an answer of GraphQL that holds errors."""
    errors = answer.data.get("errors") if isinstance(answer.data, dict) else None
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        raise GraphQlError(str(errors[0].get("type")), str(errors[0].get("message")))
    return answer
