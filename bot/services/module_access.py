"""Giving a job's `init`, and nothing else of it, the way to private modules."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.redaction import Redactor
from bot.ports import TerraformJob
from bot.services.jobs import ModuleAccess


def with_modules(job: TerraformJob, access: ModuleAccess) -> TerraformJob:
    """Return the job with an access to modules; the token is redacted like everything that is secret."""
    if not access.environment:
        return job
    known, before = Redactor(access.secrets), job.redact
    return replace(job, init_environment=access.environment, redact=lambda text: before(known(text)))
