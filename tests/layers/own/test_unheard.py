"""What a layer or a call says must be heard: no plan of another call, and no method passed over."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from layers.own.both import with_imports_changed

# --- what is kept of a call is kept for the same call alone ---------------------------------------


class Scaled(layers.Layer):
    def call(self, x: Any, by: Any = 1) -> Any:
        factor = getattr(by, "factor", by)
        return x * (100 if factor is True else factor)


def test_arguments_that_are_equal_and_not_the_same_are_told_apart() -> None:
    layer, x = Scaled(), np.ones((1, 2), np.float32)
    for by, expected in ((1, 1), (True, 100), (1.0, 1), (2, 2), (1, 1), (np.float32(3), 3)):
        np.testing.assert_array_equal(layer(x, by=by), expected)


def test_an_object_among_the_arguments_is_looked_at_each_time() -> None:
    settings = SimpleNamespace(factor=2)
    layer, x = Scaled(), np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(layer(x, by=settings), 2)
    settings.factor = 5
    np.testing.assert_array_equal(layer(x, by=settings), 5)


def test_what_a_layer_demands_of_its_input_holds_for_each_call() -> None:
    class Picky(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.input_spec = cnnfast.InputSpec(ndim=4, axes={-1: 8})

        def call(self, x: Any) -> Any:
            return x * 2

    layer = Picky()
    assert layer(np.ones((1, 4, 4, 8), np.float32)).shape == (1, 4, 4, 8)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 8"):
        layer(np.ones((1, 4, 4, 16), np.float32))


def test_integers_and_floats_may_take_turns() -> None:
    class Doubled(layers.Layer):
        def call(self, x: Any) -> Any:
            return cnnfast.ops.cast(x, "float32") * 2

    layer = Doubled()
    for dtype in (np.float32, np.int32, np.float32, np.int32):
        np.testing.assert_array_equal(layer(np.ones((1, 2), dtype)), 2)


# --- classes that say something where nothing here would hear it ----------------------------------


def test_a_call_operator_of_ones_own_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"Loud.*without their `__call__`.*in its `call`"):

        class Loud(layers.Layer):
            def __call__(self, x: Any) -> Any:
                return 2 * super().__call__(x)


def test_a_private_step_of_a_layer_of_keras_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"Own.*\['_compute_attention'\]"):

        class Own(layers.MultiHeadAttention):
            def _compute_attention(self, *args: Any, **kwargs: Any) -> Any:
                return args


def test_a_class_with_a_call_is_no_graph_and_leaves_others_as_they_are() -> None:
    class Both(cnnfast.Model):
        def __init__(self) -> None:
            x = cnnfast.Input((4,))
            super().__init__(x, layers.Dense(3)(x))

        def call(self, x: Any) -> Any:
            return 2 * super().call(x)

    with pytest.raises(UnsupportedError, match="is not made of symbolic tensors, too"):
        Both()

    class Plain(cnnfast.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    assert Plain()(np.ones((2, 4), np.float32)).shape == (2, 3)


@pytest.mark.parametrize("step", ["predict_step", "test_step", "compute_loss"])
def test_a_step_of_ones_own_is_refused_where_it_would_run(step: str) -> None:
    class Own(cnnfast.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    made = type("Stepping", (Own,), {step: lambda self, *args, **kwargs: 0})()
    x, y = np.ones((2, 4), np.float32), np.ones((2, 3), np.float32)
    made.compile(loss="mse")
    predicting = step == "predict_step"
    with pytest.raises(UnsupportedError, match=rf"`{step}` of class Stepping"):
        made.predict(x, verbose=0) if predicting else made.evaluate(x, y, verbose=0)
    assert (
        made.evaluate(x, y, verbose=0) if predicting else made.predict(x, verbose=0)
    ) is not None


MASKED = """
import keras
import numpy as np
from keras import layers, ops


class Windowed(layers.Layer):
    def call(self, x, mask=None):
        batch, steps = ops.shape(x)[0], ops.shape(x)[1]
        size = ops.concatenate([ops.expand_dims(batch, -1), ops.convert_to_tensor([1, 1])], 0)
        rows = ops.arange(steps)[:, None] >= ops.arange(steps)
        seen = ops.tile(ops.cast(rows, "float32")[None], SIZE)
        return ops.matmul(seen, x) * (1.0 if mask is None else ops.max(mask))


inputs = keras.Input((4, 6))
mask = np.linspace(0, 0.5, 28, dtype="float32").reshape(7, 2, 2)
model = keras.Model(inputs, Windowed()(Windowed()(inputs), mask=mask))
"""


def test_an_array_is_what_a_call_of_the_users_takes_as_its_mask() -> None:
    """And a shape may be put together of parts, which Keras does on TensorFlow, and not on JAX."""
    theirs: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    with pytest.warns(UserWarning, match="will therefore destroy the mask"):
        exec(MASKED.replace("SIZE", "(batch, 1, 1)"), theirs)
    with pytest.warns(UserWarning, match="will therefore destroy the mask"):
        exec(with_imports_changed(MASKED).replace("SIZE", "size"), ours)
    x = np.random.default_rng(0).normal(size=(3, 4, 6)).astype(np.float32)
    expected = np.tril(np.ones((4, 4), np.float32)) @ np.tril(np.ones((4, 4), np.float32)) @ x / 2
    np.testing.assert_allclose(ours["model"].predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
    with warnings.catch_warnings(action="ignore"):
        given = np.asarray(theirs["model"](x))
    np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-6)
