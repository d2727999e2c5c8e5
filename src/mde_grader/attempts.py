"""One attempt from start to end: the only place that knows the order of the steps."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mde_grader import __version__
from mde_grader.checking.context import CheckContext, Submission
from mde_grader.checking.session import CheckRun, run_checks
from mde_grader.dialects import choose, insist_on_dialect
from mde_grader.engines import Engine, connect
from mde_grader.environments import Environment
from mde_grader.errors import (
    EngineError,
    EngineUnavailableError,
    ImageMissingError,
    InterruptedAttemptError,
    SubmissionError,
    UsageError,
)
from mde_grader.evidence import Mask, fault_of, mask_log, without_secrets, write_record
from mde_grader.labs import LabFolder
from mde_grader.model import Dialect, DialectIdentity, Scorecard, SubmissionIdentity, Verdict
from mde_grader.preparation import Preparation
from mde_grader.runs import new_run
from mde_grader.runtimes.base import KEPT, BuiltImage, Owner, Stack
from mde_grader.runtimes.janitor import Here, is_dead, this_process
from mde_grader.runtimes.policy import plan as make_plan
from mde_grader.scoring import score
from mde_grader.submissions import StagedSubmission, stage
from mde_grader.timeline import Listener, Timeline
from mde_grader.variables import make_values, masked
from mde_grader.workfolders import sweep_work_folders, work_folder

TRIES = 3
"""How often an attempt that ended through our own fault is made, the first included."""

_GRACE = 60.0
"""Seconds after the attempt's deadline at which anybody may remove what it started."""

_KEPT_SECONDS = 3600.0
"""The same for a stack that `keep` leaves up."""


@dataclass(frozen=True, slots=True)
class AttemptRequest:
    """What to grade.

    Attributes:
        lab: Against which lab.
        path: Folder of the submission.
        candidate: Whose variant is graded, and the name for the scorecard; when None the practice variant, and the
            folder's name.
        dialect: In which of the lab's dialects it has to be; when None in the one that it holds.
        only: Requirements that are wanted; all when empty.
        keep: Leave the stack up.
        timeout: Seconds for the whole attempt; the lab's own deadline when None.
        run_dir: Folder for run folders; the user's own when None.
        run: Id of the attempt; a new one when None.
    """

    lab: LabFolder
    path: Path
    candidate: str | None = None
    dialect: str | None = None
    only: tuple[str, ...] = ()
    keep: bool = False
    timeout: float | None = None
    run_dir: Path | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The scorecard, its run folder, and how to look inside a stack that was kept (empty otherwise)."""

    card: Scorecard
    folder: Path
    kept: str = ""


@dataclass
class _Attempt:
    """What one try has at hand; filled step by step."""

    request: AttemptRequest
    environment: Environment
    folder: Path
    work: Path
    timeline: Timeline
    started: str
    name: str
    deadline: float
    identity: SubmissionIdentity
    dialect: Dialect | None = None
    engine: Engine | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    facts: dict[str, object] = field(default_factory=dict)
    kept: str = ""


def grade(request: AttemptRequest, listener: Listener) -> AttemptResult:
    """Grade one submission against one lab; again, at most twice, when the failure was ours.

    No try begins after the lab's deadline, counted from the first start: our failure may be its doing.

    Args:
        request: What to grade.
        listener: Told what happens.

    Raises:
        UsageError: The path cannot be graded, a requirement of `only` or the dialect does not exist, or it holds
            several and none is asked for.
        LabInvalidError: The lab is not in order.
        EngineUnavailableError: No engine answers.
        ImageMissingError: A grader-owned image is not there.
        InterruptedAttemptError: The user asked to stop; nothing is left behind.
    """
    request = replace(request, lab=request.lab.given_to(request.candidate))
    _insist_on_known(request)
    folder = new_run(request.lab.lab.id, request.run_dir)
    latest = time.monotonic() + (request.timeout or request.lab.environment().deadline)
    for left in reversed(range(TRIES)):
        try:
            result = _try_once(request, folder, listener)
        except (UsageError, EngineUnavailableError, ImageMissingError, InterruptedAttemptError):
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if result.card.verdict is not Verdict.INCOMPLETE or not left or time.monotonic() > latest:
            break
        why = result.card.fault.message if result.card.fault else "something of ours failed"
        Timeline(listener).note(f"not scored, trying again: {why}")
    write_record(result.card, folder)
    return result


def _insist_on_known(request: AttemptRequest) -> None:
    insist_on_dialect(request.lab.lab, request.dialect)
    known = [row.id for row in request.lab.lab.requirements]
    for name in request.only:
        if name not in known:
            raise UsageError(f"the lab has no requirement “{name}”", hint=f"there are: {', '.join(known)}")


def _try_once(request: AttemptRequest, folder: Path, listener: Listener) -> AttemptResult:
    environment = request.lab.environment()
    name = request.run or secrets.token_hex(8)
    with work_folder(name, this_process()) as work:
        attempt = _Attempt(
            request=request,
            environment=environment,
            folder=folder,
            work=work,
            timeline=Timeline(listener),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            name=name,
            deadline=time.monotonic() + (request.timeout or environment.deadline),
            identity=SubmissionIdentity(request.candidate or "submission", "", str(request.path), 0, 0),
        )
        try:
            return _carry_out(attempt)
        except KeyboardInterrupt:
            raise InterruptedAttemptError("stopped") from None


def _carry_out(attempt: _Attempt) -> AttemptResult:
    with ExitStack() as exits:
        pool = ThreadPoolExecutor(max_workers=12, thread_name_prefix="attempt")
        exits.callback(pool.shutdown, wait=False, cancel_futures=True)
        connecting = pool.submit(connect, attempt.environment)
        try:
            with attempt.timeline.phase("stage"):
                staged = stage(attempt.request.path, attempt.work / "submission", name=attempt.request.candidate)
                attempt.identity = staged.identity
                attempt.engine = connecting.result()
            exits.callback(attempt.engine.runtime.close)
            pool.submit(_sweep, attempt.engine)
            attempt.dialect = choose(attempt.request.lab.lab, staged.root, attempt.request.dialect)
            return _grade_staged(attempt, attempt.engine, staged, pool)
        except (EngineUnavailableError, ImageMissingError):
            raise
        except (SubmissionError, EngineError) as error:
            return _result(attempt, CheckRun((), ()), error)


def _sweep(engine: Engine) -> None:
    """Remove what dead graders left, beside our own work."""
    here = Here.look()
    sweep_work_folders(lambda owner: not is_dead(owner, "", here=here, now=time.time()))
    engine.runtime.sweep()


def _grade_staged(
    attempt: _Attempt, engine: Engine, staged: StagedSubmission, pool: ThreadPoolExecutor
) -> AttemptResult:
    attempt.values = make_values(attempt.environment.variables)
    plan = make_plan(staged.root, attempt.environment, attempt.values, engine.bases, label=attempt.request.lab.lab.id)
    attempt.facts["notes"] = list(plan.notes)
    preparation = Preparation(
        runtime=engine.runtime,
        lab=attempt.request.lab.lab,
        environment=attempt.environment,
        plan=plan,
        source=staged.root,
        work=attempt.work,
        owner=_owner(attempt),
        tags=engine.tags,
        timeline=attempt.timeline,
        values=attempt.values,
    )
    images = pool.submit(preparation.images, pool)
    stack = pool.submit(preparation.stack, images, pool)
    context = CheckContext(
        submission=Submission(staged.root, staged.identity, plan),
        images=images,
        stack=stack,
        rebuild=preparation.rebuild,
        search=engine.runtime.search,
        given=attempt.values,
        main=attempt.environment.main,
        deadline=attempt.deadline,
        bases=engine.how,
        variant=attempt.request.lab.values,
        dialect=attempt.dialect.id if attempt.dialect else "",
        starter=partial(_lay_out_starter, attempt),
    )
    watchdog = threading.Timer(attempt.deadline - time.monotonic(), _end, (stack,))
    watchdog.daemon = True
    watchdog.start()
    try:
        run = _run(attempt, context)
        error = _first_error(images, stack, run)
        _note_facts(attempt, images, stack)
    except BaseException:
        engine.runtime.cancel(preparation.owner.process)
        raise
    finally:
        watchdog.cancel()
        _take_down(attempt, preparation, stack)
    return _result(attempt, run, error)


def _lay_out_starter(attempt: _Attempt) -> Path:
    place = attempt.work / "starter"
    attempt.request.lab.lay_out(attempt.request.lab.starter, place)
    return place


def _end(stack: Future[Stack]) -> None:
    """The attempt's time is up: without its stack no check can go on waiting."""
    if stack.done() and stack.exception() is None:
        stack.result().close()


def _run(attempt: _Attempt, context: CheckContext) -> CheckRun:
    log = attempt.folder / "checks.log"
    try:
        with attempt.timeline.phase("checks"):
            return run_checks(
                attempt.request.lab.checks,
                attempt.request.lab.lab,
                context,
                only=attempt.request.only,
                listener=attempt.timeline.outcome,
                log=log,
            )
    finally:
        mask_log(log, _mask(attempt))


def _mask(attempt: _Attempt) -> Mask:
    given = partial(masked, variables=attempt.environment.variables, values=attempt.values)
    variant = attempt.request.lab.variant
    return given if variant is None else lambda text: variant.masked(given(text))


def _owner(attempt: _Attempt) -> Owner:
    left = attempt.deadline - time.monotonic()
    if attempt.request.keep:
        return Owner(attempt.name, KEPT, attempt.identity.digest, time.time() + left + _KEPT_SECONDS)
    return Owner(attempt.name, this_process(), attempt.identity.digest, time.time() + left + _GRACE)


def _first_error(images: Future[dict[str, BuiltImage]], stack: Future[Stack], run: CheckRun) -> BaseException | None:
    """What kept the stack from starting, when that is known by now and mattered to a check."""
    if not run.outcomes:
        return None
    for future in (images, stack):
        if future.done() and future.exception() is not None:
            return future.exception()
    return None


def _note_facts(attempt: _Attempt, images: Future[dict[str, BuiltImage]], stack: Future[Stack]) -> None:
    if images.done() and images.exception() is None:
        attempt.facts["images"] = {name: image.id for name, image in images.result().items()}
    if stack.done() and stack.exception() is None and attempt.environment.main in stack.result():
        attempt.facts["limits"] = dict(stack.result()[attempt.environment.main].state().limits)


def _take_down(attempt: _Attempt, preparation: Preparation, stack: Future[Stack]) -> None:
    with attempt.timeline.phase("teardown"):
        stack.cancel()
        running = None if stack.cancelled() or stack.exception() is not None else stack.result()
        if running is not None and attempt.request.keep:
            attempt.kept = _kept(attempt, running)
            return
        try:
            if running is not None:
                running.close()
            preparation.discard()
        except EngineError as error:
            # What was graded stays graded; dockerd 20.10 was seen to hang on a removal, once in some thousand.
            attempt.timeline.note(f"not all could be cleared up, the next start will try again: {error.message}")


def _kept(attempt: _Attempt, running: Stack) -> str:
    """Leave the stack up as it was before the last check, which nothing has brought back."""
    try:
        running.restore()
    except SubmissionError as error:
        attempt.timeline.note(f"what is left up is not whole: {error.message}")
    return running.keep()


def _result(attempt: _Attempt, run: CheckRun, error: BaseException | None) -> AttemptResult:
    mask = _mask(attempt)
    variant = attempt.request.lab.variant
    card = score(
        # What was drawn and chosen is told; what could be is the lab's.
        replace(attempt.request.lab.lab, parameters={}, dialects=()),
        [without_secrets(outcome, mask) for outcome in run.outcomes],
        attempt=attempt.name,
        submission=attempt.identity,
        started=attempt.started,
        seconds=attempt.timeline.seconds,
        fault=fault_of(error, mask) if error else None,
        phases=attempt.timeline.phases,
        environment={"grader": __version__, **(attempt.engine.facts() if attempt.engine else {}), **attempt.facts},
        only=attempt.request.only,
        variant=variant.identity if variant else None,
        dialect=DialectIdentity(attempt.dialect.id, attempt.dialect.title) if attempt.dialect else None,
    )
    return AttemptResult(card, attempt.folder, attempt.kept)
