"""Compare cnnfast with real Keras on random models; run from ``tests/``.

    python -m fuzz.differential --graphs 2000 --seed 1

Each model is built by Keras, saved as `.keras` and, where Keras can write it, as `.h5`, loaded
here, and run on random inputs by both, also after changes of layers, stacks and weights that are
made in both. Workers are processes of their own: one that crashes or
hangs is a finding, not the end. The environment variable KERAS_BACKEND says what computes
Keras' side (numpy unless set; tensorflow is faster).

Findings are written to ``--out``: the model, its config, and how to have it again. Keras'
backends differ among themselves (tensorflow reads the weights of bicubic interpolation from a
table, numpy has lanczos windows of its own): a graph that differs is given to the others too,
and is no finding if one of them agrees.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
SILENCE = 120.0
"""Seconds without a word after which a worker counts as hanging."""

GOOD = ("same", "keras refused", "backends differ", "too small", "lost")
"""Verdicts that are no findings: nothing to compare with where Keras itself cannot run."""

BACKENDS = ("numpy", "jax")
"""The backends that come with the tests; the first one is taken unless KERAS_BACKEND is set."""


def command(seed: int, out: Path | None) -> list[str]:
    """Return the command line of a worker."""
    line = [sys.executable, "-m", "fuzz.worker", "--seed", str(seed)]
    return line if out is None else [*line, "--out", str(out)]


@dataclass
class Worker:
    """A process that goes through some of the graphs."""

    indices: list[int]
    seed: int
    out: Path | None
    backend: str
    process: subprocess.Popen[str] | None = None
    heard: float = 0.0
    place: int = 0

    def start(self) -> subprocess.Popen[str]:
        """Start at the first graph that has no verdict yet."""
        todo = ",".join(map(str, self.indices[self.place :]))
        self.process = subprocess.Popen(
            command(self.seed, self.out),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=TESTS,
            env=_environment(self.backend),
        )
        assert self.process.stdin is not None
        self.process.stdin.write(todo)
        self.process.stdin.close()
        self.heard = time.monotonic()
        return self.process

    def lost(self, verdict: str, detail: str) -> dict[str, Any]:
        """Give the verdict on the graph that the worker did not survive."""
        index = self.indices[self.place]
        self.place += 1
        return {"index": index, "verdict": verdict, "detail": detail, "classes": [], "changes": 0}


def examine(
    indices: range, seed: int, jobs: int = 1, out: Path | None = None, backend: str = BACKENDS[0]
) -> Iterator[dict[str, Any]]:
    """Yield a verdict for each graph, in the order in which they come."""
    workers = [Worker(list(indices[k::jobs]), seed, out, backend) for k in range(jobs)]
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            if worker.indices:
                selector.register(worker.start().stdout, selectors.EVENT_READ, worker)  # type: ignore[arg-type]
        while selector.get_map():
            for key, _ in selector.select(timeout=1.0):
                yield from _read(key.data, selector)
            for key in list(selector.get_map().values()):
                silent = time.monotonic() - key.data.heard
                if silent > SILENCE:
                    key.data.process.kill()


def second_opinion(result: dict[str, Any], seed: int, out: Path, backend: str) -> dict[str, Any]:
    """Return the verdict after other backends than `backend` have had their say on a difference."""
    if result["verdict"] != "different":
        return result
    folder = out / f"{seed}-{result['index']}"
    for other in BACKENDS:
        if other != backend:
            line = [sys.executable, "-m", "fuzz.worker", "--again", str(folder)]
            done = subprocess.run(
                line, cwd=TESTS, env=_environment(other), capture_output=True, check=False
            )
            if done.returncode == 0 and json.loads(done.stdout)["verdict"] == "same":
                return {**result, "verdict": "backends differ"}
    return result


def _environment(backend: str) -> dict[str, str]:
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    defaults = {"JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    own = {"KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(paths)}
    return {**defaults, **os.environ, **own}


def _read(worker: Worker, selector: selectors.BaseSelector) -> Iterator[dict[str, Any]]:
    assert worker.process is not None
    assert worker.process.stdout is not None
    silent = time.monotonic() - worker.heard
    worker.heard = time.monotonic()
    line = worker.process.stdout.readline()
    if line:
        worker.place += 1
        yield json.loads(line)
        return
    selector.unregister(worker.process.stdout)
    worker.process.stdout.close()
    code = worker.process.wait()
    if worker.place == len(worker.indices):
        return
    verdict = "hang" if silent > SILENCE else "crash"
    yield worker.lost(verdict, f"the process ended with code {code}")
    if worker.place < len(worker.indices):
        selector.register(worker.start().stdout, selectors.EVENT_READ, worker)  # type: ignore[arg-type]


def main() -> int:
    """Print the findings and the counts; 1 if there is a finding."""
    parser = argparse.ArgumentParser(prog="fuzz.differential", description=__doc__)
    parser.add_argument("--graphs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="index of the first graph")
    parser.add_argument("--only", type=int, help="examine this one graph again")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"))
    args = parser.parse_args()
    indices = range(args.start, args.start + args.graphs)
    if args.only is not None:
        indices = range(args.only, args.only + 1)
    verdicts: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    changes = 0
    started = time.monotonic()
    backend = os.environ.get("KERAS_BACKEND", BACKENDS[0])
    for result in examine(indices, args.seed, args.jobs, args.out, backend):
        result = second_opinion(result, args.seed, args.out, backend)  # noqa: PLW2901
        verdicts[result["verdict"]] += 1
        classes.update(result["classes"])
        changes += result["changes"]
        if result["verdict"] not in ("same", "keras refused", "too small", "lost"):
            print(f"{args.seed}/{result['index']} {result['verdict']}: {result['detail']}")
            print(f"    again: --seed {args.seed} --only {result['index']}", flush=True)
    seconds = time.monotonic() - started
    print(f"{len(indices)} graphs in {seconds:.0f} s ({len(indices) / seconds:.1f} per second)")
    print("changes of structure and weights that were followed:", changes)
    print("verdicts:", dict(verdicts.most_common()))
    print("classes:", dict(sorted(classes.items())))
    return int(any(verdict not in GOOD for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
