"""The Terraform port on the real program."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.adapters.terraform.argv import FLAG, OptionValue, plan_options
from bot.adapters.terraform.code_checks import check_code, test_code
from bot.adapters.terraform.engine import Engines
from bot.adapters.terraform.initialisation import (
    initialise_for_apply,
    initialise_for_plan,
    initialise_from_nothing,
)
from bot.adapters.terraform.output import needs_init, warnings
from bot.adapters.terraform.paths import PRIVATE_FILE, read_regular
from bot.adapters.terraform.sandbox import Sandbox
from bot.adapters.terraform.session import Session
from bot.adapters.terraform.step import Step
from bot.adapters.terraform.supervision import LARGEST_ANSWER, Limits
from bot.adapters.terraform.warmth import LOCK_FILE
from bot.adapters.tracing import NoTracing
from bot.domain.code_findings import CodeReport
from bot.domain.errors import TerraformError
from bot.ports import ApplyOutput, Engine, PlanMode, PlanOutput, TerraformJob
from bot.ports.terraform import NO_FILES, TIMED_OUT
from bot.ports.tracing import Tracer

OUTPUTS_TIMEOUT = 60.0
"""Seconds for reading the outputs after an apply, whatever is left of the job's own time."""
DEEPEST_OUTPUT = 300
"""Levels of lists and objects in an output; Python cannot write down many more."""
NO_CHANGES, CHANGES = 0, 2
"""Exit codes of a plan with `-detailed-exitcode`."""


class TerraformCli:
    """Runs the engine found on PATH, or `binary` (a command prefix), in the sandbox when there is one."""

    def __init__(
        self,
        *,
        binary: Sequence[str] | None = None,
        sandbox: Sandbox | None = None,
        provider_mirror: Path | None = None,
        limits: Limits | None = None,
        tracer: Tracer | None = None,
        lock_timeout: int = 60,
    ) -> None:
        self._engines = Engines(binary)
        self._sandbox = sandbox
        self._mirror = None if provider_mirror is None else provider_mirror.absolute()
        self._limits = limits or Limits()
        self._tracer = tracer or NoTracing()
        self._lock_timeout = lock_timeout

    async def installed(self, engine: Engine) -> str:
        """Return the version on this machine; EngineChangedError when it is not `engine.version`."""
        await self._engines.checked(engine)
        return engine.version

    async def plan(
        self, job: TerraformJob, arguments: Sequence[str], *, mode: PlanMode = PlanMode.NORMAL
    ) -> PlanOutput:
        """Init where needed, plan to a file, show it.

        Raises TerraformError, TerraformStoppedError when stopped, UnsafeTreeError when the tree would redirect the
        state, PolicyError when the root module or var file is not there, EngineChangedError.
        """
        seconds: dict[str, float] = {}
        async with self._session(job) as session:
            with _timed(seconds, "init"):
                initialised = await initialise_for_plan(session)
            with _timed(seconds, "plan"):
                step = await self._plan(session, arguments, mode)
                if not initialised and step.ended.exit_code == 1 and needs_init(step.tail.text()):
                    await initialise_from_nothing(session)
                    step = await self._plan(session, arguments, mode)
            step.raise_if_failed(accepted=(NO_CHANGES, CHANGES))
            if not session.here.plan_file.exists():
                # A Go program that runs out of memory or stack ends with the code that means "there are changes".
                raise step.failure()
            with _timed(seconds, "show"):
                plan_json, text = await self._show(session)
            return PlanOutput(
                plan_file=session.here.plan_file,
                json=plan_json,
                text=await asyncio.to_thread(job.redact, text),
                warnings=await asyncio.to_thread(_warnings_of, step, job.redact),
                lock_file=read_regular(session.module / LOCK_FILE),
                seconds=seconds,
            )

    async def check_code(self, job: TerraformJob, names: Collection[str]) -> CodeReport:
        """Run the named checks of the code; what they find is in the answer."""
        async with self._session(job) as session:
            report = await check_code(session, names)
        if "test" not in names or report.outcomes.get("validate"):
            return report
        # Tests bring their own values: with those of an environment they would say something else elsewhere.
        given = {name: value for name, value in job.environment.items() if not name.startswith("TF_VAR_")}
        async with self._session(replace(job, environment=given)) as session:
            return report.joined(await test_code(session))

    async def apply(self, job: TerraformJob, plan_file: Path) -> ApplyOutput:
        """Apply exactly this plan file.

        An exception other than a cancellation means that `terraform apply` was never started; once it was, every
        end is an ApplyOutput. A cancellation leaves it running, as the crash rules want.
        """
        async with self._session(job) as session:
            await asyncio.to_thread(_put_plan, plan_file, session.here.plan_file)
            await initialise_for_apply(session)
            errored = session.module / "errored.tfstate"
            before = _fingerprint(errored)
            step = await session.run(
                "apply",
                str(session.seen.plan_file),
                changes=True,
                options={
                    "input": False,
                    "lock_timeout": f"{self._lock_timeout}s",
                    "var_file": session.var_file if job.ephemeral_variables else None,
                },
            )
            ended = step.ended
            return ApplyOutput(
                exit_code=ended.exit_code,
                stopped_by=ended.stopped_by,
                timed_out=ended.timed_out,
                log_tail=step.log_tail,
                errored_state=_fingerprint(errored) not in (None, before),
                outputs=await self._outputs(session) if ended.exit_code == 0 else {},
            )

    async def run_beside(
        self, job: TerraformJob, argv: Sequence[str], *, files: Mapping[str, str] = NO_FILES
    ) -> tuple[int, str]:
        """Run a program where Terraform would run; a program that took too long has exit code 124."""
        async with self._session(job) as session:
            await asyncio.to_thread(session.hand_over, files)
            step = await session.run_program(argv)
            if step.ended.timed_out:
                return TIMED_OUT, "its time was over"
            step.raise_if_stopped()
            return step.ended.exit_code, step.log_tail

    @asynccontextmanager
    async def _session(self, job: TerraformJob) -> AsyncIterator[Session]:
        program = await self._engines.checked(job.engine)
        session = Session(
            job,
            program,
            sandbox=self._sandbox,
            limits=self._limits,
            provider_mirror=self._mirror,
            tracer=self._tracer,
        )
        try:
            await asyncio.to_thread(session.open)
            yield session
        finally:
            # An apply that was left running has read the key pair long ago.
            session.close()

    async def _plan(self, session: Session, arguments: Sequence[str], mode: PlanMode) -> Step:
        options: dict[str, OptionValue] = {
            "out": str(session.seen.plan_file),
            "lock": False,
            "input": False,
            "detailed_exitcode": FLAG,
            "destroy": FLAG if mode is PlanMode.DESTROY else None,
            "refresh_only": FLAG if mode is PlanMode.REFRESH_ONLY else None,
            "var_file": session.var_file,
            **plan_options(arguments),
        }
        return await session.run("plan", changes=not session.job.dies_with_parent, options=options)

    async def _show(self, session: Session) -> tuple[Mapping[str, Any], str]:
        plan = str(session.seen.plan_file)
        try:
            async with asyncio.TaskGroup() as group:
                json_task = group.create_task(
                    session.run("show", plan, captured=True, options={"json": FLAG})
                )
                text_task = group.create_task(session.run("show", plan, captured=True, options={}))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        as_json, as_text = json_task.result(), text_task.result()
        for step in (as_json, as_text):
            step.raise_if_failed()
        text = await asyncio.to_thread(_take, as_text)
        return await asyncio.to_thread(_take_json, as_json), text

    async def _outputs(self, session: Session) -> Mapping[str, Any]:
        step = await session.run("output", captured=True, own_time=OUTPUTS_TIMEOUT, options={"json": FLAG})
        if step.ended.exit_code != 0:
            session.job.on_line("The outputs could not be read.")
            return {}
        try:
            return await asyncio.to_thread(_take_outputs, step)
        except TerraformError as error:
            # What was applied is applied, whatever it says of itself.
            session.job.on_line(f"The outputs could not be read: {error}.")
            return {}


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    clock = asyncio.get_running_loop().time
    started = clock()
    yield
    seconds[part] = clock() - started


def _put_plan(given: Path, place: Path) -> None:
    if given.resolve() != place.resolve():
        place.unlink(missing_ok=True)
        shutil.copyfile(given, place, follow_symlinks=False)
    place.chmod(PRIVATE_FILE)


def _fingerprint(path: Path) -> tuple[int, int] | None:
    """Tell a file that Terraform has just written from one that lay in the tree before."""
    try:
        stat = os.lstat(path)
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns


def _take(step: Step) -> str:
    """Read captured output and remove its file, because it may hold secrets in clear."""
    if step.output.stat().st_size > LARGEST_ANSWER:
        raise TerraformError(f"the answer of {step.name} is larger than {LARGEST_ANSWER >> 20} MiB")
    text = step.output.read_text(encoding="utf-8", errors="replace")
    step.output.unlink()
    return text


def _take_json(step: Step) -> Mapping[str, Any]:
    try:
        answer: Mapping[str, Any] = json.loads(_take(step))
    except ValueError as exc:
        raise TerraformError(f"{step.name} did not answer with JSON") from exc
    except RecursionError as exc:
        raise TerraformError(f"{step.name} answers with values that are nested too deeply") from exc
    return answer


def _take_outputs(step: Step) -> Mapping[str, Any]:
    """Read outputs that can be written down again: what nests deeper than anybody's output is refused here."""
    answer = _take_json(step)
    level: list[Any] = [answer]
    for _ in range(DEEPEST_OUTPUT):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return answer
    raise TerraformError(f"they are nested deeper than {DEEPEST_OUTPUT} levels")


def _inside(value: Any) -> Collection[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _warnings_of(step: Step, redact: Callable[[str], str]) -> tuple[str, ...]:
    return warnings(redact(step.output.read_text(encoding="utf-8", errors="replace")))
