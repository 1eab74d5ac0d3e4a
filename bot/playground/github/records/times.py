"""Points in time as GitHub writes them."""

from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    """ISO 8601 in UTC with a trailing Z, from seconds since the epoch."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_stamp(text: str) -> float:
    """Seconds since the epoch; raises ValueError on anything that is not ISO 8601."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
