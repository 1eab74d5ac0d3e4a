"""The server's own log: each line has its context, and none has secrets.

Modules log with the standard library; structlog adds context and renders. Redaction is the last step before
rendering, so that it applies to messages, fields and tracebacks.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Literal

import structlog

from bot.domain.secrets.redaction import MASK

Redact = Callable[[str], str]
Format = Literal["json", "text"]
_LOG: Final = logging.getLogger("gatewright")
_TOKENS: Final = re.compile(
    # GitHub's tokens of every kind, JSON web tokens, and whatever stands behind the word of an HTTP credential.
    r"\bgh[a-z]_[A-Za-z0-9_.-]{16,}|\bgithub_pat_\w{16,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?<=[Bb]earer )[\w.~+/=-]{8,}|(?<=[Bb]asic )[A-Za-z0-9+/=]{8,}"
)
_FIRST: Final = ("timestamp", "level", "logger", "event")


def configure_logging(*, level: str, form: Format, redact: Redact = str) -> None:
    """Send the log of this process to standard error, including uncaught exceptions."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(form, redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def formatter(form: Format, redact: Redact) -> logging.Formatter:
    """Return the formatter of log records; `redact` is applied to all text, including keys."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=(
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ),
        processors=(
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.StackInfoRenderer(),
            _redacting(redact),
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
            if form == "json"
            else _as_text,
        ),
    )


def working_on(**facts: str | int | None) -> AbstractContextManager[object]:
    """Add fields (`run_id`, `delivery_id`, `repo`, `pull`, `env`) to every line logged inside."""
    known = {name: fact for name, fact in facts.items() if fact is not None}
    return structlog.contextvars.bound_contextvars(**known)


def _redacting(redact: Redact) -> structlog.typing.Processor:
    def clean(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {clean(str(key)): clean(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [clean(item) for item in value]
        if value is None or isinstance(value, bool):
            return value
        text = str(value)
        cleaned = _TOKENS.sub(MASK, redact(text))
        # A number stays one, unless it is a secret.
        return value if isinstance(value, (int, float)) and cleaned == text else cleaned

    def process(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        return {
            **{
                name: event[name] if name == "level" else clean(event[name])
                for name in _FIRST
                if name in event
            },
            **{clean(str(name)): clean(value) for name, value in event.items() if name not in _FIRST},
        }

    return process


def _as_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """Return a record as one line with the traceback below.

    Line ends in foreign text are escaped, so that it cannot imitate log lines.
    """
    exception = event.pop("exception", None)
    stack = event.pop("stack", None)
    head = [str(event.pop(name, "-")) for name in _FIRST]
    facts = [f"{name}={value}" for name, value in event.items() if value is not None]
    line = " ".join([head[0], head[1].upper(), *head[2:], *facts])
    shown = line.replace("\\", "\\\\") if "\n" in line or "\r" in line else line
    shown = shown.replace("\r", "\\r").replace("\n", "\\n")
    return "\n".join(str(part) for part in (shown, stack, exception) if part)


def _uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    _LOG.critical("uncaught exception", exc_info=(kind, error, traceback))


def _uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    error = arguments.exc_value
    if error is not None:
        _LOG.critical("uncaught exception in a thread", exc_info=(type(error), error, error.__traceback__))
