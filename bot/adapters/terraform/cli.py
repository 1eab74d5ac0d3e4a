"""The Terraform port on the real program."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.adapters.terraform import fetched, saved_plan
from bot.adapters.terraform.access import OUTPUT, SHOW
from bot.adapters.terraform.argv import FLAG, OptionValue, plan_options
from bot.adapters.terraform.code_checks import check_code, test_code
from bot.adapters.terraform.engine import Engines
from bot.adapters.terraform.initialisation import (
    fetched_by,
    has_modules,
    initialise_for_apply,
    initialise_for_plan,
)
from bot.adapters.terraform.output import needs_init, warnings
from bot.adapters.terraform.sandbox import Sandbox
from bot.adapters.terraform.session import Session
from bot.adapters.terraform.step import Step
from bot.adapters.terraform.supervision import LARGEST_ANSWER, Limits
from bot.adapters.tracing import NoTracing
from bot.domain.core.errors import NeedsInitError, TerraformError, TreeChangedError
from bot.domain.hcl.variables import takes_ephemeral
from bot.domain.plans.code_findings import CodeReport
from bot.domain.plans.variables import differing_variables
from bot.domain.trees.lost_files import lost_files
from bot.ports import ApplyOutput, Engine, PlanMode, PlanOutput, TerraformJob
from bot.ports.terraform import NO_FILES, TIMED_OUT, FetchedCode
from bot.ports.tracing import Tracer

OUTPUTS_TIMEOUT = 60.0
"""Seconds for reading the outputs after an apply, whatever is left of the job's own time."""
DEEPEST_OUTPUT = 300
"""Levels of lists and objects in an output; Python cannot write down many more."""
NO_CHANGES, CHANGES = 0, 2
"""Exit codes of a plan with `-detailed-exitcode`."""


class TerraformCli:
    """Runs the engine on PATH, or the command prefix `binary`, in the sandbox if there is one."""

    def __init__(
        self,
        *,
        binary: Sequence[str] | None = None,
        sandbox: Sandbox | None = None,
        provider_mirror: Path | None = None,
        engine_copies: Path | None = None,
        limits: Limits | None = None,
        tracer: Tracer | None = None,
        lock_timeout: int = 60,
    ) -> None:
        self._engines = Engines(binary)
        self._sandbox = sandbox
        self._mirror = None if provider_mirror is None else provider_mirror.absolute()
        self._copies = None if engine_copies is None else engine_copies.absolute()
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
        """Initialise if needed, plan to a file, copy it out of the code's reach, and show it.

        Raises TerraformError, TerraformStoppedError when stopped, NeedsInitError if Terraform requires an
        init that was skipped, UnsafeTreeError if the tree would redirect the state, TreeChangedError if the
        saved plan is no file or not of this tree and state, PolicyError if the root module or var file does
        not exist, EngineChangedError.
        """
        seconds: dict[str, float] = {}
        async with self._session(job) as session:
            with _timed(seconds, "init"):
                initialised = await initialise_for_plan(session)
                code = await asyncio.to_thread(fetched_by, session)
                made_of = await asyncio.to_thread(saved_plan.origin, session)
            with _timed(seconds, "plan"):
                step = await self._plan(session, arguments, mode)
            if not initialised and step.ended.exit_code == 1 and needs_init(step.tail.text()):
                # The code itself may have printed these words, so nothing here is touched because of them.
                raise NeedsInitError(str(step.failure()), log_tail=step.log_tail, exit_code=1)
            step.raise_if_failed(accepted=(NO_CHANGES, CHANGES))
            taken = await asyncio.to_thread(saved_plan.take, session, step, made_of)
            if taken is None:
                # A Go program that runs out of memory or stack ends with the code that means "there are changes".
                raise step.failure()
            plan_file, sha256 = taken
            with _timed(seconds, "show"):
                plan_json, text = await self._show(session, plan_file)
            _refuse_other_plans(session, plan_json, arguments)
            return PlanOutput(
                plan_file=plan_file,
                sha256=sha256,
                json=plan_json,
                text=await asyncio.to_thread(job.redact, text),
                warnings=await asyncio.to_thread(_warnings_of, session, step, plan_json),
                lock_file=session.lock_file,
                seconds=seconds,
                fetched=code,
                modules=await asyncio.to_thread(_modules_of, session),
                written=session.written,
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

    async def apply(
        self,
        job: TerraformJob,
        plan_file: Path,
        code: FetchedCode,
        *,
        before_start: Callable[[], Awaitable[None]] | None = None,
    ) -> ApplyOutput:
        """Apply exactly this plan file, with the code that init fetched for it.

        An exception other than a cancellation means that `terraform apply` was never started; once it was,
        every end is an ApplyOutput. A cancellation leaves it running, as the crash rules require.
        """
        async with self._session(job) as session:
            await initialise_for_apply(session, code)
            if before_start is not None:
                await before_start()
            before = await asyncio.to_thread(session.errored_state)
            engine = job.engine
            step = await session.run(
                "apply",
                changes=True,
                reads_plan=plan_file,
                options={
                    "input": False,
                    "lock_timeout": f"{self._lock_timeout}s",
                    # An engine that is given values again compares them with those of the saved plan.
                    "var_file": session.var_file if takes_ephemeral(engine.name, engine.version) else None,
                },
            )
            ended = step.ended
            return ApplyOutput(
                exit_code=ended.exit_code,
                stopped_by=ended.stopped_by,
                timed_out=ended.timed_out,
                log_tail=step.log_tail,
                errored_state=await asyncio.to_thread(session.errored_state) not in (None, before),
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
            engine_copies=self._copies,
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
            "lock": False,
            "input": False,
            "detailed_exitcode": FLAG,
            "destroy": FLAG if mode is PlanMode.DESTROY else None,
            "refresh_only": FLAG if mode is PlanMode.REFRESH_ONLY else None,
            "var_file": session.var_file,
            **plan_options(arguments),
        }
        lasting = not session.job.dies_with_parent
        return await session.run("plan", changes=lasting, saves_plan=True, options=options)

    async def _show(self, session: Session, plan: Path) -> tuple[Mapping[str, Any], str]:
        await asyncio.to_thread(session.lay_bare)
        try:
            async with asyncio.TaskGroup() as group:
                json_task = group.create_task(
                    session.run("show", access=SHOW, captured=True, reads_plan=plan, options={"json": FLAG})
                )
                text_task = group.create_task(
                    session.run("show", access=SHOW, captured=True, reads_plan=plan, options={})
                )
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        as_json, as_text = json_task.result(), text_task.result()
        for step in (as_json, as_text):
            step.raise_if_failed()
        text = await asyncio.to_thread(_take, as_text)
        return await asyncio.to_thread(_take_json, as_json), text

    async def _outputs(self, session: Session) -> Mapping[str, Any]:
        await asyncio.to_thread(session.lay_bare)
        step = await session.run(
            "output", access=OUTPUT, captured=True, own_time=OUTPUTS_TIMEOUT, options={"json": FLAG}
        )
        if step.ended.exit_code != 0:
            session.job.on_line("The outputs could not be read.")
            return {}
        try:
            return await asyncio.to_thread(_take_outputs, step)
        except TerraformError as error:
            # What was applied is applied, whatever it says of itself.
            session.job.on_line(session.job.redact(f"The outputs could not be read: {error}."))
            return {}


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    clock = asyncio.get_running_loop().time
    started = clock()
    yield
    seconds[part] = clock() - started


def _refuse_other_plans(session: Session, plan_json: Mapping[str, Any], arguments: Sequence[str]) -> None:
    """Raise TreeChangedError if a plan has other variables, or fewer resources, than requested."""
    elsewhere = session.set_by_files | {*session.job.ephemeral_variables}
    names = differing_variables(plan_json, given=session.job.environment, elsewhere=elsewhere)
    problems = []
    if names:
        shown = ", ".join(f"`{name}`" for name in names)
        problems.append(f"the saved plan: {shown} has another value than the stack was given.")
    if plan_json.get("complete") is False and not any("target" in argument for argument in arguments):
        problems.append("the saved plan: it is of some resources alone, although all were to be planned.")
    if problems:
        session.drop_plan()
        raise TreeChangedError(tuple(problems))


def _modules_of(session: Session) -> bytes | None:
    return fetched.packed(session.here.data) if has_modules(session) else None


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
    """Parse the outputs, and refuse extremely deep nesting, which could not be serialised."""
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


def _warnings_of(session: Session, step: Step, plan_json: Mapping[str, Any]) -> tuple[str, ...]:
    job = session.job
    said = warnings(job.redact(step.output.read_text(encoding="utf-8", errors="replace")))
    lost = lost_files(plan_json, tree=str(session.seen.tree), directory=job.directory)
    return (*said, *map(job.redact, lost))
