"""How weights are made by place or name, and what a class says of shapes, as in Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from parity import keras

PACKAGES = (keras, cnnfast)


def _with_weight(package: Any, *args: Any, **kwargs: Any) -> Any:
    class Mine(package.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.w = self.add_weight(*args, **kwargs)

        def call(self, x: Any) -> Any:
            return x

    return Mine()


def test_a_weight_takes_shape_initializer_and_dtype_by_place() -> None:
    wrong: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
        (("matrix",), {"shape": (3, 4)}, ValueError, "`name` must be passed as a keyword argument"),
        (((3,),), {"shape": (3,)}, ValueError, "`shape` was passed both positionally"),
        (((3,), "zeros", "float32", "w"), {}, TypeError, "takes at most 3 positional arguments"),
    ]
    for package in PACKAGES:
        layer = _with_weight(package, (3, 4), "ones", "float32", name="w")
        assert tuple(layer.w.shape) == (3, 4)
        assert layer.w.name == "w"
        np.testing.assert_array_equal(np.asarray(layer.w), np.ones((3, 4)))
        assert tuple(_with_weight(package).w.shape) == ()
        for args, kwargs, error, words in wrong:
            with pytest.raises(error, match=words):
                _with_weight(package, *args, **kwargs)


def test_the_spec_of_an_output_is_what_the_class_says_of_its_shape() -> None:
    for package in PACKAGES:

        class Mine(package.layers.Layer):  # type: ignore[misc,name-defined]
            def call(self, x: Any, y: Any = None) -> Any:
                raise RuntimeError("It shall not run.")

            def compute_output_shape(self, x_shape: Any, y_shape: Any) -> Any:
                return {"a": x_shape, "b": [(*y_shape[:-1], 7), (y_shape[0], 1)]}

        x, y = package.KerasTensor((2, 3)), package.KerasTensor((None, 4))
        spec = Mine(dtype="float32").compute_output_spec(x, y=y)
        assert {tuple(t.shape) for t in (spec["a"], *spec["b"])} == {(2, 3), (None, 7), (None, 1)}
        assert {t.dtype for t in (spec["a"], *spec["b"])} == {"float32"}


def test_a_mask_by_name_has_a_row_for_each_image() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    of_each = np.array([[1], [0]], np.float32)
    flags = np.array([True, False])
    for package in PACKAGES:

        class Scaled(package.layers.Layer):  # type: ignore[misc,name-defined]
            def build(self, x_shape: Any, attention_mask_shape: Any) -> None:
                assert tuple(attention_mask_shape)[1:] == (1,)

            def call(self, x: Any, attention_mask: Any = None) -> Any:
                return x * attention_mask

        class Passes(package.layers.Layer):  # type: ignore[misc,name-defined]
            ops = package.ops

            def __init__(self) -> None:
                super().__init__()
                self.supports_masking = True

            def call(self, x: Any, mask: Any = None) -> Any:
                return self.ops.where(self.ops.expand_dims(mask, -1), x, -1.0)

        scaled = np.asarray(Scaled()(x, attention_mask=of_each))
        np.testing.assert_array_equal(scaled, x * of_each)
        passed = Passes()(x, mask=flags)
        np.testing.assert_array_equal(np.asarray(passed), np.where(flags[:, None], x, -1))
        np.testing.assert_array_equal(np.asarray(passed._keras_mask), flags)


def test_a_build_that_asks_for_no_argument_of_call_is_told_so_in_keras_words() -> None:
    x = np.ones((2, 3), np.float32)
    for package in PACKAGES:

        class Suffix(package.layers.Layer):  # type: ignore[misc,name-defined]
            def build(self, x_shape: Any, other: Any) -> None:
                pass

            def call(self, x: Any, other: Any) -> Any:
                return x + other

        class Unknown(Suffix):
            def build(self, x_shape: Any, third_shape: Any) -> None:
                pass

        with pytest.raises(ValueError, match="argument `other`, which does not end in `_shape`"):
            Suffix()(x, x)
        words = r"`third_shape`, but `call\(\)` does not have argument `third`"
        with pytest.raises(ValueError, match=words):
            Unknown()(x, x)


def test_a_model_that_was_given_arguments_is_saved_by_its_own_config_only(tmp_path: Path) -> None:
    def network(package: Any, *required: int) -> Any:
        class Net(package.Model):
            def __init__(self, units: int = 3, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.dense = package.layers.Dense(units)

            def call(self, x: Any) -> Any:
                return self.dense(x)

        class Given(Net):
            def __init__(self, units: int, **kwargs: Any) -> None:
                super().__init__(units, **kwargs)

        made = Given(*required) if required else Net()
        made(np.ones((1, 4), np.float32))
        return made

    for package in (keras, cnnfast):
        network(package).save(tmp_path / "plain.keras")
        with pytest.raises(NotImplementedError, match="must override `get_config"):
            network(package, 3).save(tmp_path / f"{package.__name__}.keras")
    assert not (tmp_path / "cnnfast.keras").exists()
