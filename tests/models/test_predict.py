"""`predict` returns one row per sample, in order, whatever the data comes as."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.callbacks import Callback
from cnnfast.models.inference import Inference

BEGIN_END = ("begin", "end")
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


@pytest.mark.parametrize("bad", [0, -3, 2.5, 32.0, "8", np.float32(8), True, np.True_])
@pytest.mark.parametrize("samples", [0, 1, 2, 70])
@pytest.mark.parametrize("verbose", [0, 1])
def test_batch_size_must_be_a_positive_integer_on_every_road(
    echo: Inference, bad: Any, samples: int, verbose: int
) -> None:
    with pytest.raises(ValueError, match="`batch_size` must be a positive integer"):
        echo.predict(X[:samples], batch_size=bad, verbose=verbose)


@pytest.mark.parametrize("good", [8, np.int64(8)])
def test_batch_size_may_be_any_integer(echo: Inference, good: Any) -> None:
    assert np.array_equal(echo.predict(X[:7], batch_size=good, verbose=0), X[:7])


NETWORKS = {
    "one output": ((6, 6, 3), (2, 2, 4)),
    "two outputs": ((6, 6, 3), [(2, 2, 4), (16,)]),
    "a function of NumPy": ((6,), (2,)),
}


def network(kind: str) -> cnnfast.Model:
    image = cnnfast.Input(NETWORKS[kind][0], name="image")
    if kind == "a function of NumPy":
        return cnnfast.Model(image, layers.Lambda(lambda x: x[:, :2])(layers.Dense(3)(image)))
    x = layers.Conv2D(4, 3, strides=2)(image)
    return cnnfast.Model(image, x if kind == "one output" else [x, layers.Flatten()(x)])


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize(
    "road",
    [
        lambda model, x: model(x),
        lambda model, x: model.predict_on_batch(x),
        lambda model, x: model.predict(x, verbose=0),
        lambda model, x: model.predict(x, batch_size=4, verbose=1),
        lambda model, x: model.predict(x, steps=3, verbose=0),
        lambda model, x: model.predict(iter([x]), verbose=0),
        lambda model, x: model.predict([x], callbacks=[Callback()], verbose=0),
        lambda model, x: model(x.tolist() if x.size else x.astype(np.uint8)),
    ],
)
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_an_empty_batch_gives_empty_arrays(kind: str, road: Any) -> None:
    shape, outputs = NETWORKS[kind]
    model = network(kind)
    for _ in range(2):
        result = road(model, np.empty((0, *shape), np.float32))
        results = result if isinstance(outputs, list) else [result]
        expected = outputs if isinstance(outputs, list) else [outputs]
        assert [y.shape for y in results] == [(0, *one) for one in expected]
        assert {y.dtype for y in results} == {np.dtype(np.float32)}


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_an_empty_batch_shows_no_progress(verbose: Any, capsys: Any) -> None:
    network("one output").predict(np.empty((0, 6, 6, 3), np.float32), verbose=verbose)
    assert capsys.readouterr().out == ""
    network("one output").predict(np.ones((1, 6, 6, 3), np.float32), verbose=verbose)
    assert "1/1" in capsys.readouterr().out


def test_keras_gives_an_empty_array_for_an_empty_batch_too(keras: Any) -> None:
    theirs = keras.Sequential([keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3, strides=2)])
    empty = np.empty((0, 6, 6, 3), np.float32)
    assert np.asarray(theirs(empty)).shape == network("one output")(empty).shape
    with pytest.raises((UnboundLocalError, UserWarning)):  # where ours goes on as the call does
        theirs.predict(empty, verbose=0)


def test_an_empty_batch_among_others_adds_no_row() -> None:
    model = network("one output")
    x = np.random.default_rng(3).random((5, 6, 6, 3), np.float32)
    batches = (part for part in (x[:0], x[:2], x[:0], x[2:], x[:0]))
    assert np.array_equal(model.predict(batches, verbose=0), model(x))


def test_an_empty_batch_must_fit_the_model() -> None:
    for shape in ((0, 6, 6, 4), (0, 6, 0, 3), (0,)):
        with pytest.raises(ValueError, match="Received"):
            network("one output").predict(np.empty(shape, np.float32), verbose=0)


@pytest.mark.parametrize("x", [[], {}])
def test_no_data_is_refused(echo: Inference, x: Any) -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        echo.predict(x, verbose=0)


class Foreign:
    """A tensor of another library, which says what it is by `__array__` alone."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer
        self.shape = np.shape(answer)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if isinstance(self._answer, Exception):
            raise self._answer
        return np.array(self._answer, dtype)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "int4"])
@pytest.mark.parametrize("wrap", [lambda x: x, Foreign, lambda x: [x], lambda x: {"image": x}])
def test_numbers_of_fewer_bits_are_those_in_float32(dtype: str, wrap: Any) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    model = network("one output")
    x = np.random.default_rng(3).uniform(-4, 4, (5, 6, 6, 3)).astype(getattr(ml_dtypes, dtype))
    expected = model(x.astype(np.float32))
    for road in (model, model.predict_on_batch):
        assert np.array_equal(road(wrap(x)), expected)
    for options in ({}, {"batch_size": 2}):
        assert np.array_equal(model.predict(wrap(x), verbose=0, **options), expected)
    assert np.array_equal(model.predict(iter([x[:2], x[2:]]), verbose=0), expected)


@pytest.mark.long
def test_tensors_of_jax_in_bfloat16_are_taken() -> None:
    jax = pytest.importorskip("jax")
    model = network("one output")
    x = jax.numpy.linspace(-3, 3, 216).reshape(2, 6, 6, 3).astype(jax.numpy.bfloat16)
    expected = model(np.asarray(x.astype(np.float32)))
    assert np.array_equal(model(x), expected)
    assert np.array_equal(model.predict(x, verbose=0), expected)


def test_numbers_of_fewer_bits_are_labels_and_constants_too() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    half = np.array([0.5, -1.5, 3.0], ml_dtypes.bfloat16)
    image = cnnfast.Input((3,))
    model = cnnfast.Model(image, image * half)
    x = np.ones((2, 3), np.float32)
    assert np.array_equal(model(x), x * half.astype(np.float32))
    model.compile(loss="mse")
    labels = np.tile(half, (2, 1))
    assert model.evaluate(x.astype(ml_dtypes.bfloat16), labels, verbose=0) == 0
    integers = cnnfast.Input((3,), dtype="int32")
    casting = cnnfast.Model(integers, layers.Rescaling(1.0)(integers))
    assert np.array_equal(casting(labels), np.trunc(labels.astype(np.float32)))


@pytest.mark.parametrize("error", [TypeError("Got unsupported ScalarType"), RuntimeError("grad")])
def test_a_tensor_that_numpy_cannot_read_is_refused_with_its_reason(error: Exception) -> None:
    model = network("one output")
    for road in (model, model.predict_on_batch, lambda x: model.predict(x, verbose=0)):
        with pytest.raises(ValueError, match=f"of which NumPy says: {error}"):
            road(Foreign(error))


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


def test_callbacks_of_keras_are_called(echo: Inference, keras: Any) -> None:
    seen = []

    class Note(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append((batch, self.params["steps"], self.model is echo))

    echo.predict(X, verbose=0, callbacks=[Note()])
    assert seen == [(0, 3, True), (1, 3, True), (2, 3, True)]


@pytest.mark.parametrize("library", ["cnnfast", "keras"])
def test_the_methods_of_callbacks_may_require_logs(library: str, keras: Any) -> None:
    """Keras passes them to every method, whatever the signature."""
    seen: dict[str, list[Any]] = {"keras": [], "cnnfast": []}

    def noting(base: type, calls: list[Any]) -> Any:
        def batch(name: str) -> Any:
            return lambda self, number, logs: calls.append((name, number, sorted(logs)))

        def whole(name: str) -> Any:
            return lambda self, logs: calls.append((name, sorted(logs)))

        runs = [(run, when) for run in ("test", "predict") for when in BEGIN_END]
        begins = {f"on_{run}_{when}": whole for run, when in runs}
        batches = {f"on_{run}_batch_{when}": batch for run, when in runs}
        methods = {name: make(name) for name, make in (begins | batches).items()}
        return type("Noting", (base,), methods)()

    theirs = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    theirs.compile(loss="mse")
    ours = cnnfast.from_keras(theirs)
    y = np.zeros((70, 2), np.float32)
    bases = {"keras": keras.callbacks.Callback, "cnnfast": Callback}
    for name, model in (("keras", theirs), ("cnnfast", ours)):
        base = bases[library] if name == "cnnfast" else keras.callbacks.Callback
        options = {"callbacks": [noting(base, seen[name])], "verbose": 0}
        model.predict(X, **options)
        model.evaluate(X, y, **options)
    assert seen["cnnfast"] == seen["keras"]


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
