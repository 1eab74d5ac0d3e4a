"""The scalar values of `gatewright.yaml`; each error says what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AllowInfNan,
    BeforeValidator,
    PlainSerializer,
    Strict,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from bot.domain.commands.values import NAME, is_name

Item = TypeVar("Item")

# Other programs read variables with these prefixes; such an environment would pass them to Terraform.
_RESERVED_NAMES = frozenset({"aws", "dbos", "docker", "gatewright", "git", "github", "pip", "python", "tf"})
# Bare words of commands: `/revert to RELEASE` names no environment.
_WORDS_OF_COMMANDS = frozenset({"close", "to"})
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=366)
_DURATION = r"[1-9][0-9]{0,5}[smhdw]"
_VERSION = r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}(-[0-9A-Za-z.]{1,40})?"
_OLDEST = (1, 10)

ENVIRONMENT_NAME = "^[a-z][a-z0-9_-]{0,39}$"
Bool = Annotated[bool, Strict()]
Int = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def _not_empty(value: tuple[Item, ...]) -> tuple[Item, ...]:
    if not value:
        raise ValueError("must name a program and its arguments, as a list")
    return value


def _environment_name(value: str) -> str:
    if not re.fullmatch(ENVIRONMENT_NAME, value):
        raise ValueError(
            "the name must begin with a letter and have lower-case letters, digits, - and _, 40 at most"
        )
    if value in _RESERVED_NAMES | _WORDS_OF_COMMANDS:
        raise ValueError("this name is reserved; choose another one")
    return value


def _project_name(value: str) -> str:
    if not is_name(value):
        raise ValueError("must have lower-case letters, digits, - and _, 40 at most")
    return value


def _known(kind: str) -> AfterValidator:
    """Check a reference against the names that the loader gives as validation context."""

    def check(value: str, info: ValidationInfo) -> str:
        context: Mapping[str, tuple[str, ...]] = info.context or {}
        names = context.get(kind)
        if names is not None and value not in names:
            raise ValueError(f"there is no such {kind}; the choices are {', '.join(names) or 'none'}")
        return value

    return AfterValidator(check)


def _format_version(value: Any) -> Any:
    # In Python True equals 1; here `true` is an error.
    if isinstance(value, bool):
        raise ValueError("must be 1")  # noqa: TRY004 - pydantic reports ValueError only
    return value


FormatVersion = Annotated[Literal[1], BeforeValidator(_format_version)]
EnvironmentName = Annotated[str, AfterValidator(_environment_name)]
EnvironmentRef = Annotated[str, _known("environment")]
ProjectKey = Annotated[
    str, AfterValidator(_project_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"})
]
ProjectRef = Annotated[str, _known("project")]
OutputName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$")]
Argv = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=4000)], ...],
    AfterValidator(_not_empty),
    WithJsonSchema({"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}),
]


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(_DURATION, value):
        raise ValueError("must be a whole number with its unit, such as 45s, 30m, 2h, 7d or 1w")
    span = timedelta(**{_UNITS[value[-1]]: int(value[:-1])})
    if span > _LONGEST:
        raise ValueError("must be at most 366d")
    return span


def _duration_text(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    size = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
    unit = next(unit for unit, length in size.items() if seconds % length == 0)
    return f"{seconds // size[unit]}{unit}"


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(_duration_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION}$"}),
]
"""A span of time, written `30m` or `7d`."""


def _exact_version(value: str) -> str:
    if not re.fullmatch(_VERSION, value):
        range_ = " (a range is not enough: two machines could plan and apply with different ones)"
        is_range = value.strip()[:1] in set("~<>=!^*") or "," in value
        raise ValueError(f'must be one exact version such as "1.11.4"{range_ if is_range else ""}')
    if tuple(int(part) for part in value.split("-", maxsplit=1)[0].split(".")[:2]) < _OLDEST:
        raise ValueError("must be 1.10.0 or newer: older ones cannot lock a state in its bucket")
    return value


ExactVersion = Annotated[
    str, AfterValidator(_exact_version), WithJsonSchema({"type": "string", "pattern": f"^{_VERSION}$"})
]


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Berlin or UTC") from None
    return value


def _clock_time(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", value):
        return time.fromisoformat(value)
    if isinstance(value, time):
        return value
    raise ValueError('must be a time of day in quotes, such as "16:30"')


def _moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be a date or a time such as 2026-12-20T18:00:00+01:00") from None
    if len(value) > len("2026-12-20") and moment.tzinfo is None:
        raise ValueError("must say its offset from UTC, such as 2026-12-20T18:00:00+01:00")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


TimeZone = Annotated[str, AfterValidator(_zone)]
ClockTime = Annotated[
    time,
    BeforeValidator(_clock_time),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]
