"""The pages of the stand-in, for a person with a browser."""

from bot.playground.github.pages.routes import Pages

__all__ = ["Pages"]
