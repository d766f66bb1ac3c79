"""What other libraries have goes into predict and evaluate, and none of them is imported for it."""

from __future__ import annotations

import array
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from cnnfast import Input, Sequential, layers
from cnnfast.utils.narrow import as_array

X = np.random.default_rng(0).uniform(size=(10, 4, 3)).astype(np.float32)
Y = np.arange(20, dtype=np.float32).reshape(10, 2)


@pytest.fixture(scope="module")
def model() -> Sequential:
    made = Sequential([Input((4, 3)), layers.Flatten(), layers.Dense(2, name="d")])
    made.compile(loss="mse", metrics=["mae"])
    return made


class OnlyDLPack:
    """An array that speaks DLPack and nothing else."""

    def __init__(self, values: Any) -> None:
        self._values = np.array(values)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self._values.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self._values.__dlpack_device__()


class OnlyInterface:
    """An array that shows its memory and nothing else."""

    def __init__(self, values: Any) -> None:
        self._values = np.array(values)

    @property
    def __array_interface__(self) -> Any:
        return self._values.__array_interface__


class OnlyArray:
    """Something that makes an array of itself."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self._values, dtype)


def of_library(name: str, make: str) -> Callable[[Any], Any]:
    def convert(values: Any) -> Any:
        function: Any = pytest.importorskip(name, reason=f"{name} is not installed")
        for part in make.split("."):
            function = getattr(function, part)
        return function(values)

    return convert


def trained(values: Any) -> Any:
    return of_library("torch", "tensor")(values).requires_grad_()


def narrow(values: Any) -> Any:
    return of_library("torch", "tensor")(values).bfloat16()


KINDS: dict[str, Callable[[Any], Any]] = {
    "memory": lambda values: memoryview(np.ascontiguousarray(values)),
    "DLPack": OnlyDLPack,
    "interface": OnlyInterface,
    "array": OnlyArray,
    "torch": of_library("torch", "tensor"),
    "torch in training": trained,
    "tensorflow": of_library("tensorflow", "constant"),
    "tensorflow variable": of_library("tensorflow", "Variable"),
    "jax": of_library("jax.numpy", "asarray"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_other_libraries_are_predicted(kind: str, model: Sequential) -> None:
    given, targets = KINDS[kind](X), KINDS[kind](Y)
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(given, batch_size=3, verbose=0), expected)
    np.testing.assert_array_equal(model.predict_on_batch(given), expected)
    np.testing.assert_array_equal(model(given), expected)
    assert model.evaluate(given, targets, verbose=0) == model.evaluate(X, Y, verbose=0)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_them_are_predicted(kind: str, model: Sequential) -> None:
    def batches() -> Iterator[Any]:
        for begin in (0, 4, 8):
            part = slice(begin, begin + 4)
            yield [KINDS[kind](X[part]), KINDS[kind](Y[part])]

    np.testing.assert_array_equal(model.predict(batches(), verbose=0), model.predict(X, verbose=0))


def test_one_long_buffer_is_an_array() -> None:
    made = Sequential([Input((1,)), layers.Dense(1)])
    values = array.array("f", [1.0, 2.0, 3.0])
    expected = made.predict(np.array(values), verbose=0)
    np.testing.assert_array_equal(made.predict(values, verbose=0), expected)


def test_numbers_of_16_bits_are_widened(model: Sequential) -> None:
    given = narrow(X)
    expected = model.predict(given.float().numpy(), verbose=0)
    np.testing.assert_array_equal(model.predict(given, verbose=0), expected)


def test_a_loader_of_torch_is_predicted_and_judged(model: Sequential) -> None:
    torch: Any = pytest.importorskip("torch", reason="torch is not installed")
    data = importlib.import_module("torch.utils.data")
    pairs = data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    loader = data.DataLoader(pairs, batch_size=4)
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(loader, verbose=0), expected)
    assert model.evaluate(loader, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    alone = data.DataLoader(torch.tensor(X), batch_size=4)
    np.testing.assert_array_equal(model.predict(alone, verbose=0), expected)


def test_a_data_set_of_tensorflow_is_predicted_and_judged(model: Sequential) -> None:
    tensorflow: Any = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    made = tensorflow.data.Dataset.from_tensor_slices((X, Y)).batch(4).prefetch(2)
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(model.predict(made, verbose=0), expected)
    assert model.evaluate(made, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))
    endless = made.map(lambda x, y: x).repeat()
    assert model.predict(endless, steps=5, verbose=0).shape == (18, 2)
    open_ended = made.filter(lambda x, y: True)  # whose length is not known
    np.testing.assert_array_equal(model.predict(open_ended, verbose=0), expected)


@pytest.mark.parametrize("kind", ["torch", "tensorflow", "jax"])
def test_what_is_no_array_of_numbers_is_refused(kind: str, model: Sequential) -> None:
    given = KINDS[kind]([True, False])  # one axis, and of another kind
    with pytest.raises(ValueError, match="Received"):
        model.predict(given, verbose=0)


def test_memory_of_another_device_is_refused_in_its_words() -> None:
    class Elsewhere:
        def __dlpack__(self, **kwargs: Any) -> Any:
            raise BufferError("it is on a GPU")

        def __dlpack_device__(self) -> tuple[int, int]:
            return (2, 0)

    with pytest.raises((ValueError, RuntimeError)):
        as_array(Elsewhere())


@pytest.mark.long
def test_predicting_imports_none_of_them() -> None:
    code = (
        "import sys, cnnfast, numpy\n"
        "model = cnnfast.Sequential([cnnfast.Input((3,)), cnnfast.layers.Dense(2)])\n"
        "model.predict(iter([memoryview(numpy.ones((2, 3)))]), verbose=0)\n"
        "assert not {'torch', 'tensorflow', 'jax', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
