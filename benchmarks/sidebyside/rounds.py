"""Workers, one process for each runtime, and rounds in which they take turns."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from sidebyside.runtimes import Images, Predict, runtime

ANSWER_SECONDS = 300.0
WARM_UP_CALLS = 3
WARM_UP_SECONDS = 0.1
LONG_CALL_SECONDS = 2.0
FEWEST_ROUNDS = 2


class WorkerError(Exception):
    """A runtime failed in its worker, or the worker died."""


@dataclass(frozen=True)
class Job:
    """What a worker is started for."""

    runtime: str
    path: Path
    """The file the runtime loads."""
    answers: Path
    """The npz file with the images."""
    threads: int
    cores: Sequence[int]
    """The cores to be pinned to; none where the system cannot."""
    any_size: bool = False
    """Whether the images are of many sizes, each an array of its own in the file."""


def usable_cores() -> list[int]:
    """List the cores this process may use; empty where the system cannot pin processes."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))


class Worker:
    """One runtime with one model in a process pinned to as many cores as it has threads.

    Between two requests the process sleeps in a read of its pipe.
    """

    def __init__(self, job: Job) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, job), daemon=True)
        self._process.start()
        theirs.close()

    def answer(self, batch: int) -> Images:
        """Predict the first `batch` images."""
        outputs: Images = self._ask("answer", batch)
        return outputs

    def answer_each(self, first: int, last: int) -> Images:
        """Predict the images from `first` to before `last`, one at a time."""
        outputs: Images = self._ask("answer_each", first, last)
        return outputs

    def time(self, batch: int, seconds: float) -> float:
        """Predict the first `batch` images for `seconds`; the median seconds of one call."""
        median: float = self._ask("time", batch, seconds)
        return median

    def visit(self, image: int) -> tuple[float, Images]:
        """Predict one image of many sizes: the seconds it took, and the output."""
        visited: tuple[float, Images] = self._ask("visit", image)
        return visited

    def versions(self) -> dict[str, str]:
        """Ask the runtime for its versions."""
        named: dict[str, str] = self._ask("versions")
        return named

    def peak_megabytes(self) -> float:
        """Ask for the most memory that the process ever held, loading included."""
        peak: float = self._ask("peak_megabytes")
        return peak

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, *request: object) -> Any:
        try:
            self._pipe.send(request)
            if not self._pipe.poll(ANSWER_SECONDS):
                raise WorkerError(f"no answer in {ANSWER_SECONDS:.0f} s")
            good, reply = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(timeout=5)
            raise WorkerError(f"the process died, exit code {self._process.exitcode}") from None
        if not good:
            raise WorkerError(reply)
        return reply


def serve(pipe: Connection, job: Job) -> None:
    """Answer requests until the pipe closes; the body of a worker's process."""
    silence()
    die_first()
    if job.cores:
        os.sched_setaffinity(0, job.cores)
    os.environ["OMP_NUM_THREADS"] = str(job.threads)
    served: Served | None = None
    while True:
        try:
            kind, *arguments = pipe.recv()
        except EOFError:
            return
        try:
            served = served or Served(job)
            pipe.send((True, getattr(served, kind)(*arguments)))
        except Exception as error:  # what goes wrong in a runtime is shown in its row
            pipe.send((False, f"{type(error).__name__}: {error}"))


def silence() -> None:
    """Send what this process prints, its libraries too, nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def die_first() -> None:
    """Let Linux end this process before any other when memory runs out; that row shows it."""
    score = Path("/proc/self/oom_score_adj")
    if score.is_file():
        score.write_text("1000")


class Served:
    """The worker's side of each request of `Worker`."""

    def __init__(self, job: Job) -> None:
        self._runtime = runtime(job.runtime)
        load = self._runtime.load
        if job.any_size:
            load = getattr(self._runtime, "load_for_any_size", load)
        self._predict: Predict = load(job.path, job.threads)
        with np.load(job.answers) as arrays:
            if job.any_size:
                self._each = [arrays[f"image_{i}"] for i in range(int(arrays["count"]))]
            else:
                self._images: Images = arrays["images"]
        self._first_seconds: dict[int, float] = {}

    def answer(self, batch: int) -> Images:
        """Predict the first `batch` images."""
        start = time.perf_counter()
        outputs = np.array(self._predict(self._images[:batch]))
        self._first_seconds[batch] = time.perf_counter() - start
        return outputs

    def answer_each(self, first: int, last: int) -> Images:
        """Predict some images one at a time."""
        each = (self._predict(self._images[i : i + 1]) for i in range(first, last))
        return np.concatenate([np.array(output) for output in each])

    def time(self, batch: int, seconds: float) -> float:
        """Time calls for `seconds`, at least one, after a few that are not counted.

        Where a call takes seconds, the one that was checked is the only warm-up.
        """
        images = self._images[:batch]
        if self._first_seconds[batch] < LONG_CALL_SECONDS:
            end = time.perf_counter() + WARM_UP_SECONDS
            for _ in range(WARM_UP_CALLS):
                if time.perf_counter() < end:
                    self._predict(images)
        times: list[float] = []
        end = time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            self._predict(images)
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def visit(self, image: int) -> tuple[float, Images]:
        """Predict one image of many sizes."""
        start = time.perf_counter()
        output = self._predict(self._each[image])
        return time.perf_counter() - start, np.array(output)

    def versions(self) -> dict[str, str]:
        """Name the versions of the runtime."""
        return self._runtime.versions()

    def peak_megabytes(self) -> float:
        """Read the high-water mark of the process; the parent's does not count."""
        status = Path("/proc/self/status")
        if not status.is_file():
            return float("nan")
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024


@contextmanager
def workers(
    files: Mapping[str, Path], answers: Path, threads: int, any_size: bool = False
) -> Iterator[dict[str, Worker]]:
    """Start a worker for each runtime, and end them all."""
    cores = usable_cores()[:threads]
    with ExitStack() as stack:
        started = {}
        for name, path in files.items():
            started[name] = Worker(Job(name, path, answers, threads, cores, any_size))
            stack.callback(started[name].close)
        yield started


@dataclass(frozen=True)
class Effort:
    """How long one row is measured."""

    rounds: int
    seconds: float
    """Of one turn; at least one call."""
    row_seconds: float
    """No further round begins after that, from the second on."""
    pause: float = 0.02
    """Before a turn, for the threads of the one before to stop spinning."""


def interleave(
    turns: Mapping[str, Worker], batch: int, effort: Effort
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Let the workers take turns: every one once in each round, the order reversed each time.

    Returns
    -------
    times
        For each worker its median seconds in each round.
    errors
        For each worker that failed, why; it has no times.
    """
    times: dict[str, list[float]] = {name: [] for name in turns}
    errors: dict[str, str] = {}
    end = time.perf_counter() + effort.row_seconds
    for number in range(effort.rounds):
        if number >= FEWEST_ROUNDS and time.perf_counter() > end:
            break
        names = list(times)
        for name in names if number % 2 == 0 else reversed(names):
            time.sleep(effort.pause)
            try:
                times[name].append(turns[name].time(batch, effort.seconds))
            except WorkerError as error:
                errors[name] = str(error)
                del times[name]
    return times, errors
