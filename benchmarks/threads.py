"""Compare the kinds of threads that share a prediction: the crew and OpenMP.

Each kind has a process of its own, in which every network is built with the same weights; their
outputs must be the same bits. Then the processes take turns, round after round: one works while
the others sleep. Calls come one after the other, or some milliseconds apart, as in a server. A row
gives the median time of one call, the CPU time that it took on all threads, what those did while
they waited for the next one included, and the median, lowest and highest of the rounds' ratios::

    python benchmarks/threads.py --page docs/performance.md
    python benchmarks/threads.py --busy 1 --page docs/performance.md

With ``--busy 1`` another program computes on one of the cores meanwhile.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from cnnfast import Model, Sequential, _core, applications, layers
from cnnfast.cli.arguments import positive_int
from cnnfast.utils import set_random_seed
from cnnfast.utils.system.threads import set_num_threads
from sidebyside.busy import busy_cores
from sidebyside.machine import this_machine
from sidebyside.pages import replace_section
from sidebyside.tables import Table

KINDS = {
    "crew": {"CNNFAST_THREADING": "crew"},
    "OpenMP": {"CNNFAST_THREADING": "openmp"},
    "OpenMP, passive": {"CNNFAST_THREADING": "openmp", "OMP_WAIT_POLICY": "passive"},
}
"""Name in the tables -> environment; the first is the one that the others are compared with."""

PAUSES = {"at once": 0.0, "apart": 0.004}
"""Name in the tables -> seconds between two calls."""

WARM_UP_CALLS = 2
PAUSE_BEFORE_A_TURN = 0.05  # for the threads of the turn before to stop spinning


def intro() -> Model:
    """Build the introductory network."""
    return Sequential(
        [
            layers.Input((64, 64, 3)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def plain() -> Model:
    """Build six convolutions on 32x32 pixels with pooling between."""
    net = [layers.Input((32, 32, 3))]
    for filters in (32, 64, 128):
        for _ in range(2):
            net.append(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        net.append(layers.MaxPooling2D(2))
    return Sequential([*net, layers.Flatten(), layers.Dense(10, activation="softmax")])


NETWORKS: dict[str, Callable[[], Model]] = {
    "intro": intro,
    "plain": plain,
    "mobilenet_v2": lambda: applications.MobileNetV2(weights=None),
    "resnet50": lambda: applications.ResNet50(weights=None),
}


@dataclass(frozen=True)
class Turn:
    """What one turn found, in seconds of a call: the median, and of CPU time the mean."""

    wall: float
    cpu: float


class Worker:
    """A process with one kind of threads; between two requests it sleeps in a read of its pipe."""

    def __init__(self, kind: str, threads: int) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, threads), daemon=True)
        with environment({**KINDS[kind], "OMP_NUM_THREADS": str(threads)}):
            self._process.start()
        theirs.close()

    def ask(self, *request: object) -> Any:
        """Send a request of `serve` and wait for the answer."""
        self._pipe.send(request)
        return self._pipe.recv()

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Have what is started meanwhile find these variables."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def serve(pipe: Connection, threads: int) -> None:
    """Answer requests until the pipe closes; the body of a worker's process."""
    set_num_threads(threads)
    call: Callable[[], np.ndarray]
    while True:
        try:
            kind, *arguments = pipe.recv()
        except EOFError:
            return
        if kind == "build":
            name, batch = arguments
            set_random_seed(7)
            model = NETWORKS[name]()
            x = np.random.default_rng(7).random((batch, *model.input_shape[1:]), np.float32)
            call = partial(model.predict_on_batch, x)
            pipe.send((_core.threading(), call()))
        else:
            pipe.send(turn(call, *arguments))


def turn(call: Callable[[], object], pause: float, seconds: float) -> Turn:
    """Time calls for `seconds`, at least one, after a few that are not counted."""
    for _ in range(WARM_UP_CALLS):
        call()
    walls: list[float] = []
    cpu = time.process_time()
    end = time.perf_counter() + seconds
    while not walls or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        walls.append(time.perf_counter() - start)
        if pause:
            time.sleep(pause)
    return Turn(statistics.median(walls), (time.process_time() - cpu) / len(walls))


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the table, write it into the page."""
    args = parse(argv)
    machine = this_machine()
    workers = {kind: Worker(kind, args.threads) for kind in KINDS}
    try:
        with busy_cores(args.busy):
            lines = [
                line
                for name in args.models
                for batch in args.batches
                for line in measure(workers, name, batch, args)
            ]
    finally:
        for worker in workers.values():
            worker.close()
    baseline, *others = KINDS
    titles = ["model", "batch", "calls", *(f"{kind}: ms" for kind in KINDS)]
    titles += [f"{kind} / {baseline}" for kind in others] + [f"{kind}: CPU ms" for kind in KINDS]
    table = Table(f"One call on {args.threads} threads", titles, lines)
    print(table.markdown() + "\n")
    where = f"Machine: {machine.cpu}, {machine.cores} cores ({machine.instruction_sets})"
    where += f"; {machine.system}, Python {machine.python}; load {machine.load:.1f} before the run."
    print(where)
    if args.page is not None:
        section = "threads-busy" if args.busy else "threads"
        replace_section(args.page, section, f"{table.markdown()}\n\n{where}")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--batches", nargs="+", type=positive_int, default=[1])
    parser.add_argument("--threads", type=positive_int, default=2)
    parser.add_argument("--rounds", type=positive_int, default=15)
    parser.add_argument("--seconds", type=float, default=0.2, help="length of one turn")
    parser.add_argument("--busy", type=int, default=0, help="cores that another program takes")
    parser.add_argument("--page", type=Path, help="put the table into that page, too")
    args = parser.parse_args(argv)
    if "openmp" not in _core.threadings():
        parser.error("This build of cnnfast has no OpenMP: there is nothing to compare.")
    return args


def measure(
    workers: dict[str, Worker], name: str, batch: int, args: argparse.Namespace
) -> Iterator[list[str]]:
    """Give a line for each of `PAUSES`.

    Raises
    ------
    ValueError
        If a process does not run on its kind of threads, or its outputs have other bits.
    """
    answers = {kind: worker.ask("build", name, batch) for kind, worker in workers.items()}
    (_, expected), *_ = answers.values()
    for kind, (threading, outputs) in answers.items():
        if threading != KINDS[kind]["CNNFAST_THREADING"] or not np.array_equal(outputs, expected):
            raise ValueError(f"{kind} must give the bits of the others. Received: {threading}")
    for label, pause in PAUSES.items():
        turns: dict[str, list[Turn]] = {kind: [] for kind in KINDS}
        for number in range(args.rounds):
            for kind in list(KINDS) if number % 2 == 0 else reversed(KINDS):
                time.sleep(PAUSE_BEFORE_A_TURN)
                turns[kind].append(workers[kind].ask("time", pause, args.seconds))
        yield [name, str(batch), label, *cells(turns)]


def cells(turns: dict[str, list[Turn]]) -> list[str]:
    """Write the numbers of one line."""
    baseline, *others = turns
    walls = [f"{1e3 * statistics.median(t.wall for t in all_):.3g}" for all_ in turns.values()]
    ratios = []
    for kind in others:
        pairs = zip(turns[kind], turns[baseline], strict=True)
        each = sorted(other.wall / own.wall for other, own in pairs)
        ratios.append(f"{statistics.median(each):.2f} ({each[0]:.2f} to {each[-1]:.2f})")
    cpus = [f"{1e3 * statistics.median(t.cpu for t in all_):.3g}" for all_ in turns.values()]
    return [*walls, *ratios, *cpus]


if __name__ == "__main__":
    main()
