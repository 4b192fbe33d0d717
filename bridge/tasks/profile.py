"""What PROFILE does to the tasks of a worker: where their time goes, or their memory, is written down."""

from __future__ import annotations

import cProfile
import importlib
import signal
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
from celery import signals

from bridge.errors import BridgeError
from bridge.extras import install
from bridge.settings import Settings

log = structlog.get_logger(__name__)

MEMORY_SIGNAL = signal.SIGUSR2
LINES = 30
"""Lines of code in a report on memory."""
DUMP_SECONDS = 5.0
"""Between two writings of a profile: a worker that is killed leaves one that is no older."""

SCHEDULE = {"wait": 1, "warmup": 1, "active": 3, "repeat": 2}
"""Tasks that torch's profiler leaves out, warms up with and records, and how often."""


@contextmanager
def profiling(settings: Settings, stage: str, worker: str) -> Iterator[None]:
    """Watches the tasks of this process while the block runs, as PROFILE says.

    Files are in the folder of the stage in DATA_DIR/profile. Raises BridgeError where a tool is missing
    or the folder cannot be made.
    """
    if settings.profile is None:
        yield
        return
    folder = settings.data_dir / "profile" / stage
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BridgeError(
            f"The folder {folder} cannot be made: {error.strerror}.", "Set DATA_DIR to a writable folder."
        ) from None
    with TOOLS[settings.profile](folder / worker):
        log.info("profiling", tool=settings.profile, folder=str(folder))
        yield


@contextmanager
def _around(before: Callable[[str], None], after: Callable[[], None]) -> Iterator[None]:
    """Calls `before` with its name in the thread of each task, and `after` there when it is over."""

    def begun(task: Any = None, **_: Any) -> None:
        before(task.name)

    def over(**_: Any) -> None:
        after()

    signals.task_prerun.connect(begun)
    signals.task_postrun.connect(over)
    try:
        yield
    finally:
        signals.task_prerun.disconnect(begun)
        signals.task_postrun.disconnect(over)


@contextmanager
def _cprofile(path: Path) -> Iterator[None]:
    """Python's own profiler. Of tasks that run at once it sees one: two would mix what they do."""
    profile = cProfile.Profile()
    free, mine = threading.Lock(), threading.local()
    file = path.with_name(f"{path.name}.pstats")
    written = time.monotonic()

    def before(_: str) -> None:
        mine.held = free.acquire(blocking=False)
        if mine.held:
            profile.enable()

    def after() -> None:
        nonlocal written
        if not getattr(mine, "held", False):
            return
        profile.disable()
        if time.monotonic() - written > DUMP_SECONDS:
            profile.dump_stats(file)
            written = time.monotonic()
        free.release()

    with _around(before, after):
        yield
    if profile.getstats():
        profile.dump_stats(file)


@contextmanager
def _torch(path: Path) -> Iterator[None]:
    """torch's profiler: of every five tasks the first is left out, the next warms up, three are recorded.

    Twice, then it ends. It sees the tasks of one thread, that of the first task, where it has to be begun
    and ended.
    """
    profiler: Any = _tool("torch.profiler", "nllb-transformers")
    torch: Any = importlib.import_module("torch")
    activities = [profiler.ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(profiler.ProfilerActivity.CUDA)
    made = profiler.profile(
        activities=activities,
        schedule=profiler.schedule(**SCHEDULE),
        on_trace_ready=profiler.tensorboard_trace_handler(str(path)),
        record_shapes=True,
        with_stack=True,
        acc_events=True,  # else it warns
    )
    watched: list[threading.Thread] = []
    left = (SCHEDULE["wait"] + SCHEDULE["warmup"] + SCHEDULE["active"]) * SCHEDULE["repeat"]

    def before(_: str) -> None:
        if not watched:
            watched.append(threading.current_thread())
            made.start()

    def after() -> None:
        nonlocal left
        if left and threading.current_thread() is watched[0]:
            made.step()
            left -= 1
            if not left:
                made.stop()

    with _around(before, after):
        yield
    if left:
        log.warning("too few tasks for torch's profiler", left=left)


@contextmanager
def _nvtx(_: Path) -> Iterator[None]:
    """A range named after each task, for nsys and ncu."""
    nvtx: Any = _tool("torch.cuda.nvtx", "nllb-transformers")
    try:
        nvtx.mark("speechbridge")
    except RuntimeError:
        raise BridgeError(
            "PROFILE=nvtx needs a torch that was built for CUDA.", "Install that, or unset PROFILE."
        ) from None
    with _around(nvtx.range_push, nvtx.range_pop):
        yield


@contextmanager
def _memory(path: Path) -> Iterator[None]:
    """What grew between two signals, by line of code."""
    file = path.with_name(f"{path.name}-memory.txt")
    first: list[tracemalloc.Snapshot] = []

    def at_signal(number: int, frame: FrameType | None) -> None:
        now = tracemalloc.take_snapshot()
        if not first:
            first.append(now)
            return
        before = first.pop()
        differences = now.compare_to(before, "lineno")
        total = sum(each.size_diff for each in differences)
        lines = [f"{total / 1024:+.1f} KiB in all", *map(str, differences[:LINES])]
        partial = file.with_suffix(".partial")
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        partial.replace(file)

    tracemalloc.start()
    previous = signal.signal(MEMORY_SIGNAL, at_signal)
    try:
        yield
    finally:
        signal.signal(MEMORY_SIGNAL, previous)
        tracemalloc.stop()


def _tool(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        missing = module.partition(".")[0]
        raise BridgeError(
            f"{missing} is not installed, which PROFILE needs.", f"Run: {install(extra)}"
        ) from None


TOOLS: dict[str, Callable[[Path], AbstractContextManager[None]]] = {
    "cprofile": _cprofile,
    "torch": _torch,
    "nvtx": _nvtx,
    "memory": _memory,
}
