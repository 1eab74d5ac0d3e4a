"""An operator who serves every repository."""

from __future__ import annotations

from bot.domain.core.model import Run


class ServesAll:
    """Gives nothing up and keeps nothing silent."""

    async def give_up(self, _: Run) -> bool:
        """Return that the run goes on."""
        return False

    def is_silent(self, _: Run) -> bool:
        """Return that the run is reported."""
        return False
