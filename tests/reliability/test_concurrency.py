"""Many threads on one model and on many, while weights change and memory is released."""

from __future__ import annotations

import itertools
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import _core, layers
from cnnfast.models import clone_model
from cnnfast.variables import Variable

WORKERS = 8


def make_model() -> cnnfast.Model:
    image = cnnfast.Input((None, None, 4))
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(image)
    y = layers.DepthwiseConv2D(3, padding="same", activation="swish")(x)
    x = layers.Conv2D(16, 3, padding="same")(x + y)
    return cnnfast.Model(image, layers.GlobalAveragePooling2D()(x))


def images(rng: np.random.Generator) -> list[np.ndarray]:
    """Return batches of more sizes than plans are kept, so that plans come and go."""
    sizes = [(n, 8 + 3 * n, 30 - n, 4) for n in range(1, 13)]
    return [rng.standard_normal(size, np.float32) for size in sizes]


def in_threads(work: Callable[[Any], np.ndarray], items: Iterable[Any]) -> list[np.ndarray]:
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, items))


@contextmanager
def repeating(work: Callable[[int], object]) -> Iterator[None]:
    """Call `work` with 0, 1, 2 and so on in another thread until the block ends."""
    stop = threading.Event()

    def repeat() -> None:
        for turn in itertools.takewhile(lambda _: not stop.is_set(), itertools.count()):
            work(turn)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def same(got: Iterable[np.ndarray], want: Iterable[np.ndarray]) -> None:
    for g, w in zip(got, want, strict=True):
        np.testing.assert_array_equal(g, w)


@pytest.mark.usefixtures("threading_kind")
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_on_one_model_get_the_bits_of_a_serial_run(
    rng: np.random.Generator, threads: int
) -> None:
    model, batches = make_model(), images(rng) * 4
    want = [model.predict(x, verbose=0, threads=1) for x in batches]
    same(in_threads(lambda x: model.predict(x, verbose=0, threads=threads), batches), want)


@pytest.mark.usefixtures("threading_kind")
def test_threads_on_many_models_get_the_bits_of_a_serial_run(rng: np.random.Generator) -> None:
    first = make_model()
    models = [first, *(clone_model(first) for _ in range(5))]
    jobs = [(model, x) for x in images(rng)[:4] for model in models]
    want = [model.predict(x, verbose=0) for model, x in jobs]
    for model in models:
        model.release_memory()
    same(in_threads(lambda job: job[0].predict(job[1], verbose=0, threads=2), jobs), want)


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this interpreter has a GIL"
)
def test_a_free_threaded_interpreter_stays_free() -> None:
    assert not sys._is_gil_enabled()  # type: ignore[attr-defined,unused-ignore]


def test_layers_are_built_once_where_threads_call_them_first(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 6, 6, 3), np.float32)
    for _ in range(10):
        layer = layers.Conv2D(4, 3)
        results = in_threads(layer, [x] * WORKERS)
        assert len(layer.weights) == 2
        same(results, [layer(x)] * WORKERS)


@pytest.mark.usefixtures("threading_kind")
def test_memory_may_be_released_while_threads_predict(rng: np.random.Generator) -> None:
    model, batches = make_model(), images(rng) * 2
    want = [model.predict(x, verbose=0) for x in batches]
    with repeating(lambda _: model.release_memory()):
        same(in_threads(lambda x: model.predict(x, verbose=0, threads=2), batches), want)


@pytest.mark.usefixtures("threading_kind")
def test_weights_that_are_assigned_meanwhile_are_used_whole_or_not_at_all(
    rng: np.random.Generator,
) -> None:
    model = cnnfast.Sequential([cnnfast.Input((12, 12, 8)), layers.Conv2D(32, 3, use_bias=False)])
    x = rng.standard_normal((4, 12, 12, 8), np.float32)
    kernels = [rng.standard_normal(model.weights[0].shape, np.float32) for _ in range(2)]
    want = []
    for kernel in kernels:
        model.set_weights([kernel])
        want.append(model.predict(x, verbose=0))
    with repeating(lambda turn: model.weights[0].assign(kernels[turn % 2])):
        for got in in_threads(lambda x: model.predict(x, verbose=0, threads=2), [x] * 100):
            assert any(np.array_equal(got, w) for w in want)
    model.set_weights([kernels[0]])
    np.testing.assert_array_equal(model.predict(x, verbose=0), want[0])


def stack(factor: float) -> cnnfast.Model:
    """Return a model that multiplies by the 24th power of `factor`, one weight each."""
    image = [layers.DepthwiseConv2D(1, use_bias=False, name=f"d{i}") for i in range(24)]
    model = cnnfast.Sequential([cnnfast.Input((1, 1, 1)), *image])
    model.set_weights([np.full(w.shape, factor) for w in model.weights])
    return model


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass between the weights that are replaced together."""
    replace = Variable._replace

    def replace_and_wait(*args: Any) -> None:
        replace(*args)
        time.sleep(1e-3)

    monkeypatch.setattr(Variable, "_replace", replace_and_wait)


@pytest.mark.parametrize("way", ["set_weights", "load_weights"])
@pytest.mark.usefixtures("slowly")
def test_weights_replaced_together_are_seen_together(tmp_path: Path, way: str) -> None:
    model, models = stack(1.0), [stack(1.0), stack(2.0)]
    sets = [m.get_weights() for m in models]
    if way == "load_weights":
        pytest.importorskip("h5py")
        for turn, m in enumerate(models):
            m.save_weights(tmp_path / f"{turn}.weights.h5")
    done = threading.Event()

    def replace(turn: int) -> None:
        if way == "set_weights":
            model.set_weights(sets[turn % 2])
        else:
            model.load_weights(tmp_path / f"{turn % 2}.weights.h5")
        time.sleep(5e-3)  # for those who wait to read
        if turn == 5:
            done.set()

    def watch(_: int) -> np.ndarray:
        seen = []
        while True:
            seen += [w.item() ** 24 for w in model.get_weights()]
            seen += model.predict_on_batch(np.ones((1, 1, 1, 1), np.float32)).ravel().tolist()
            if done.is_set():
                return np.unique(seen)

    with repeating(replace):
        values = np.concatenate(in_threads(watch, range(3)))
    assert set(values.tolist()) <= {1.0, 2.0**24}


@pytest.mark.usefixtures("slowly")
def test_a_file_saved_meanwhile_holds_one_set_of_weights(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    model, other = stack(1.0), stack(1.0)
    sets = [stack(factor).get_weights() for factor in (1.0, 2.0)]
    with repeating(lambda turn: model.set_weights(sets[turn % 2])):
        for _ in range(4):
            model.save_weights(tmp_path / "m.weights.h5")
            other.load_weights(tmp_path / "m.weights.h5")
            assert len({w.item() for w in other.get_weights()}) == 1


def test_new_weights_are_used_while_another_thread_still_holds_old_ones() -> None:
    model = stack(1.0)
    held = []
    for turn in range(20):
        factor = float(turn % 2)
        held += model._executor._lowered
        model.set_weights([np.full(w.shape, factor) for w in model.weights])
        np.testing.assert_array_equal(model.predict_on_batch(np.ones((1, 1, 1, 1))), factor)


def test_the_kind_of_threads_may_be_changed_while_threads_predict(
    rng: np.random.Generator,
) -> None:
    model, batches = make_model(), images(rng) * 2
    kinds = _core.threadings()
    want = [model.predict(x, verbose=0, threads=1) for x in batches]
    with repeating(lambda turn: cnnfast.config.set(threading=kinds[turn % len(kinds)])):
        for _ in range(4):
            same(in_threads(lambda x: model.predict(x, verbose=0, threads=2), batches), want)
    cnnfast.config.set(threading=None)


def test_numbers_that_a_model_hands_out_cannot_be_written_to() -> None:
    model = make_model()
    kernel = model.weights[0].numpy()
    with pytest.raises(ValueError, match="read-only"):
        kernel[...] = 0
    copy = model.get_weights()[0]
    copy[...] = 0
    assert model.weights[0].numpy().any()
    mine = np.ones(model.weights[0].shape, np.float32)
    model.weights[0].assign(mine)
    mine[...] = 0
    assert model.weights[0].numpy().all()
