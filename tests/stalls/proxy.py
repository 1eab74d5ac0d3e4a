"""A proxy before PostgreSQL that can stand still: it keeps every connection open and forwards nothing more."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_LENGTH = struct.Struct("!I")
_STARTUP = ""
"""Type of the one message that has none."""
Place = tuple[tuple[str, ...], bool, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of PostgreSQL's protocol, and where in its session it came."""

    number: int
    """Of all that the proxy has seen, from one."""
    of_client: bool
    kind: str
    statements: tuple[str, ...]
    """What its session has asked for in this transaction."""

    @property
    def statement(self) -> str:
        """What its session has asked for last; nothing at its beginning."""
        return self.statements[-1] if self.statements else ""

    @property
    def place(self) -> Place:
        """What makes it another place to stand still at than that of another message."""
        return self.statements, self.of_client, self.kind


@dataclass(slots=True, kw_only=True)
class StallingProxy:
    """It stands still once `stalls_after` is true of a message, which is the last to arrive."""

    server_port: int
    stalls_after: Callable[[Message], bool] = lambda _: False
    port: int = 0
    seen: list[Message] = field(default_factory=list)
    greetings: list[str] = field(default_factory=list)
    """What each session asked for when it began."""
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    _moving: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def release(self) -> None:
        """Forward what has come meanwhile, and all that follows."""
        self.stalls_after = lambda _: False
        self._moving.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Whoever cancels this waits for it, and asyncio would tell of it a second time.
        with suppress(asyncio.CancelledError, OSError):
            await self._moving.wait()
            server = await asyncio.open_connection("127.0.0.1", self.server_port)
            session = _Session()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, server[1], session, of_client=True))
                group.create_task(self._pass_on(server[0], writer, session, of_client=False))
        writer.close()

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        session: _Session,
        *,
        of_client: bool,
    ) -> None:
        try:
            started = not of_client
            while True:
                head = b"" if not started else await reader.readexactly(1)
                length = await reader.readexactly(_LENGTH.size)
                body = await reader.readexactly(_LENGTH.unpack(length)[0] - _LENGTH.size)
                started = True
                await self._moving.wait()
                writer.write(head + length + body)
                await writer.drain()
                self._note(session, head.decode("latin-1") or _STARTUP, body, of_client=of_client)
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._moving.wait()
        finally:
            writer.close()

    def _note(self, session: _Session, kind: str, body: bytes, *, of_client: bool) -> None:
        if of_client:
            session.note(kind, body)
        if kind == _STARTUP:
            self.greetings.append(body.decode("latin-1"))
        message = Message(
            number=len(self.seen) + 1, of_client=of_client, kind=kind, statements=tuple(session.statements)
        )
        self.seen.append(message)
        if self._moving.is_set() and self.stalls_after(message):
            self._moving.clear()
            self.stalled.set()


@dataclass(slots=True)
class _Session:
    statements: list[str] = field(default_factory=list)
    prepared: dict[bytes, str] = field(default_factory=dict)

    def note(self, kind: str, body: bytes) -> None:
        """Remember what is asked for; a statement that was prepared is bound by its name alone."""
        if kind == "Q":
            self._ask(body.rstrip(b"\0").decode())
        elif kind == "P":
            name, text, _ = body.split(b"\0", 2)
            self.prepared[name] = text.decode()
            if not name:
                self._ask(text.decode())
        elif kind == "B" and (name := body.split(b"\0", 2)[1]):
            self._ask(self.prepared.get(name, ""))

    def _ask(self, statement: str) -> None:
        if statement.startswith("BEGIN") or self.statements[-1:] in (["COMMIT"], ["ROLLBACK"]):
            self.statements.clear()
        self.statements.append(statement)


@asynccontextmanager
async def stalling_proxy(server_port: int) -> AsyncIterator[StallingProxy]:
    """Yield a proxy that listens on a free port of its own."""
    proxy = StallingProxy(server_port=server_port)
    proxy._moving.set()
    listening = await asyncio.start_server(proxy._accept, "127.0.0.1", 0)
    proxy.port = listening.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listening.close()
        proxy.release()
        for task in list(proxy._tasks):
            task.cancel()
        await asyncio.gather(*proxy._tasks, return_exceptions=True)
