"""Predicts in child processes of every kind, after the parent has run with two threads.

`python -m reliability.children METHOD` prints one line for each way to start a child that gave
the parent's bits; it is a program of its own, because a hang must not stop the tests.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext
from typing import Any

import numpy as np
import numpy.typing as npt

import cnnfast
from cnnfast import layers

Floats = npt.NDArray[np.float32]

THREADS = 2
CHILDREN = 2
TIMEOUT = 60.0


def make_model() -> cnnfast.Sequential:
    """Return a network with enough work for two threads."""
    image = cnnfast.Input((40, 40, 16))
    return cnnfast.Sequential([image, layers.Conv2D(32, 3, activation="relu"), layers.Conv2D(8, 3)])


def make_images() -> Floats:
    """Return a batch that every process makes alike."""
    return np.random.default_rng(1).standard_normal((3, 40, 40, 16), np.float32)


def predict(model: cnnfast.Sequential) -> Floats:
    """Return what `model` makes of `make_images`, on two threads."""
    result: Floats = model.predict(make_images(), verbose=0, threads=THREADS)
    return result


def by_process(context: Any, model: cnnfast.Sequential) -> Iterator[Floats]:
    """Each child is a `Process` that sends its result through a queue."""
    results = context.Queue()
    children = [context.Process(target=send, args=(model, results)) for _ in range(CHILDREN)]
    for child in children:
        child.start()
    try:
        for _ in children:
            yield results.get(timeout=TIMEOUT)
    finally:
        for child in children:
            child.kill()
            child.join()


def send(model: cnnfast.Sequential, results: Any) -> None:
    """Predict and put the result into the queue `results`."""
    results.put(predict(model))


def by_pool(context: Any, model: cnnfast.Sequential) -> Iterator[Floats]:
    """The children are those of `multiprocessing.Pool`."""
    with context.Pool(CHILDREN) as pool:
        yield from pool.map_async(predict, [model] * 4).get(timeout=TIMEOUT)


def by_executor(context: Any, model: cnnfast.Sequential) -> Iterator[Floats]:
    """The children are those of `concurrent.futures`."""
    with ProcessPoolExecutor(CHILDREN, mp_context=context) as pool:
        yield from pool.map(predict, [model] * 4, timeout=TIMEOUT)


def by_joblib(context: Any, model: cnnfast.Sequential) -> Iterator[Floats]:
    """The children are joblib's own, whatever `context` says."""
    import joblib

    jobs = [joblib.delayed(predict)(model)] * 4
    yield from joblib.Parallel(n_jobs=CHILDREN, timeout=TIMEOUT)(jobs)


WAYS: dict[str, Callable[[Any, cnnfast.Sequential], Iterator[Floats]]] = {
    "process": by_process,
    "pool": by_pool,
    "executor": by_executor,
}


def main(method: str) -> None:
    """Start children by `method` in every way; print those that gave the parent's bits."""
    model = make_model()
    expected = predict(model)
    ways = {"joblib": by_joblib} if method == "joblib" else WAYS
    context: BaseContext | None = (
        None if method == "joblib" else multiprocessing.get_context(method)
    )
    for name, way in ways.items():
        results = list(way(context, model))
        assert len(results) >= CHILDREN
        assert all(np.array_equal(result, expected) for result in results), name
        assert np.array_equal(predict(model), expected), f"{name}: the parent"
        print(name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
