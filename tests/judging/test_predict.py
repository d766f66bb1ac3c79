"""`predict` returns one row per sample, in order, whatever the data comes as."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from typing import Any

import numpy as np
import pytest

from cnnfast.callbacks import Callback
from cnnfast.models.training import Inference

X = np.arange(210, dtype=np.float32).reshape(70, 3)


@pytest.mark.parametrize(
    "x",
    [
        X,
        X.astype(np.float64),
        X.astype(np.uint8),
        np.asfortranarray(X),
        np.repeat(X, 2, axis=0)[::2],
        X.tolist(),
        [X],
        {"in": X},
    ],
    ids=["float32", "float64", "uint8", "fortran", "strided", "lists", "list of one", "dict"],
)
@pytest.mark.parametrize("batch_size", [None, 1, 32, 69, 70, 1000])
def test_predict_takes_any_arrays(echo: Inference, x: Any, batch_size: int | None) -> None:
    result = echo.predict(x, batch_size=batch_size, verbose=0)
    assert result.dtype == np.float32
    assert np.array_equal(result, X)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: (x,), lambda x: (x, x[:, 0])])
def test_predict_takes_batches_and_ignores_targets(echo: Inference, wrap: Any) -> None:
    batches = (wrap(part) for part in np.array_split(X, 4))
    assert np.array_equal(echo.predict(batches, verbose=0), X)


def test_steps_limit_the_samples(echo: Inference) -> None:
    assert np.array_equal(echo.predict(X, batch_size=10, steps=3, verbose=0), X[:30])
    assert np.array_equal(echo.predict((X for _ in range(9)), steps=1, verbose=0), X)


def test_too_many_steps_warn_and_return_what_there_is(echo: Inference) -> None:
    with pytest.warns(UserWarning, match="ran out of data"):
        assert np.array_equal(echo.predict(X, batch_size=40, steps=3, verbose=0), X)


def test_several_outputs_are_a_list(echo: Inference) -> None:
    first, second = echo.predict([X, X[:, :1]], verbose=0)
    assert np.array_equal(first, X)
    assert np.array_equal(second, X[:, :1])


@pytest.mark.parametrize("batch_size", [None, 8])
def test_the_result_is_not_the_input(echo: Inference, batch_size: int | None) -> None:
    result = echo.predict(X, batch_size=batch_size, verbose=0)
    assert not np.shares_memory(result, X)
    assert result.flags.writeable


def test_predict_on_batch_is_predict_of_one_batch(echo: Inference) -> None:
    assert np.array_equal(echo.predict_on_batch(X.tolist()), X)


@pytest.mark.parametrize("bad", [0, -3, 2.5])
def test_batch_size_must_be_positive(echo: Inference, bad: Any) -> None:
    with pytest.raises(ValueError, match="`batch_size` must be a positive integer"):
        echo.predict(X, batch_size=bad, verbose=0)


def test_empty_data_is_refused(echo: Inference) -> None:
    with pytest.raises(ValueError, match=r"at least one sample. Received: shapes \[\(0, 3\)\]"):
        echo.predict(X[:0], verbose=0)


class Recorder(Callback):
    """Notes every call."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def on_predict_begin(self, logs: Any = None) -> None:
        """Note the call."""
        self.calls.append(("begin", self.params["steps"]))

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Note the call."""
        self.calls.append(("batch", batch))

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Note the call."""
        self.calls.append((batch, logs["outputs"].shape))

    def on_predict_end(self, logs: Any = None) -> None:
        """Note the call."""
        self.calls.append("end")


def test_callbacks_are_called_around_every_batch(echo: Inference) -> None:
    recorder = Recorder()
    echo.predict(X, batch_size=40, verbose=0, callbacks=[recorder])
    assert recorder.calls == [
        ("begin", 2),
        ("batch", 0),
        (0, (40, 3)),
        ("batch", 1),
        (1, (30, 3)),
        "end",
    ]
    assert recorder.model is echo


def test_a_callback_may_stop_the_run(echo: Inference) -> None:
    class Stop(Callback):
        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.stop_predicting = batch == 1

    assert np.array_equal(echo.predict(X, batch_size=10, verbose=0, callbacks=Stop()), X[:20])
    assert np.array_equal(echo.predict(X, verbose=0), X)


def test_callbacks_of_keras_are_called(echo: Inference) -> None:
    keras = pytest.importorskip("keras")
    seen = []

    class Note(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append((batch, self.params["steps"], self.model is echo))

    echo.predict(X, verbose=0, callbacks=[Note()])
    assert seen == [(0, 3, True), (1, 3, True), (2, 3, True)]


def test_what_is_no_callback_is_refused(echo: Inference) -> None:
    with pytest.raises(ValueError, match=r"must be `Callback` objects. Received: 'early'"):
        echo.predict(X, verbose=0, callbacks=["early"])


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_training_says_where_to_train(echo: Inference, method: str) -> None:
    with pytest.raises(NotImplementedError, match="train the model in Keras") as error:
        getattr(echo, method)(X, X, epochs=3)
    assert "model.save(" in str(error.value)
    assert "cnnfast.models.load_model(" in str(error.value)


def test_many_threads_predict_at_once(echo: Inference) -> None:
    failures = []

    def work(offset: int) -> None:
        for _ in range(20):
            if not np.array_equal(echo.predict(X + offset, batch_size=9, verbose=0), X + offset):
                failures.append(offset)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize(("method", "limit"), [("predict_on_batch", 20e-6), ("predict", 50e-6)])
def test_the_fixed_cost_of_a_call_is_small(echo: Inference, method: str, limit: float) -> None:
    options = {} if method == "predict_on_batch" else {"verbose": 0}
    call, x = getattr(echo, method), X[:1].copy()
    seconds = []
    for _ in range(200):
        start = time.perf_counter()
        call(x, **options)
        seconds.append(time.perf_counter() - start)
    assert np.quantile(seconds, 0.1) < limit  # the fastest decile: nothing disturbs it


def test_a_compiled_model_is_copied_with_its_scores(echo: Inference) -> None:
    echo.compile("adam", "mse", metrics=["mae"])
    x, y = np.ones((4, 2)), np.zeros((4, 2))
    expected = echo.evaluate(x, y, verbose=0)
    for other in (copy.deepcopy(echo._scoring), pickle.loads(pickle.dumps(echo._scoring))):
        assert other.in_order(other.logs()) == expected
        other.reset()
    assert echo.metrics[0].result() == 1.0
