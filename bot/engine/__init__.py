"""Durable workflows and their queues, kept by DBOS; its only importer."""

from bot.engine.config import EngineConfig, EngineError, Work
from bot.engine.core import Engine
from bot.engine.history import Load, Stranded
from bot.engine.storage import migrate_engine

__all__ = ["Engine", "EngineConfig", "EngineError", "Load", "Stranded", "Work", "migrate_engine"]
