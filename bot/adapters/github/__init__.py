"""GitHub as an App sees it: signed requests, polite retries, and the `GitHub` port."""

from bot.adapters.github.github_app import GitHubApp
from bot.adapters.github.options import Options, Waits

__all__ = ["GitHubApp", "Options", "Waits"]
