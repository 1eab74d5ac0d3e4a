"""`gatewright.yaml`: what a repository allows, and in which order its environments are gone through."""

from bot.policy.environment import ApplyPolicy, EnvironmentPolicy
from bot.policy.load import json_schema, load_policy
from bot.policy.refreshes import DataRefresh
from bot.policy.repo import RepoPolicy

__all__ = ["ApplyPolicy", "DataRefresh", "EnvironmentPolicy", "RepoPolicy", "json_schema", "load_policy"]
