"""An operation drawn with Keras and with this package: shapes, dtypes and numbers are the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import cnnfast
from cnnfast import layers
from cnnfast.utils import tree
from parity import keras

# Of the operations of a library and two tensors.
Case = Callable[[Any, Any, Any], Any]


def model_of(library: Any, case: Case, shape: Sequence[int | None], dtype: str = "float32") -> Any:
    one, two = (library.Input(shape, name=name, dtype=dtype) for name in ("one", "two"))
    outputs = case(library.ops, one, two)
    outputs = list(outputs) if isinstance(outputs, tuple) else outputs
    return library.Model([one, two], outputs)


def compare(
    case: Case, x: Sequence[np.ndarray[Any, Any]], *, atol: float = 1e-5, rtol: float = 2e-5
) -> None:
    """Draw `case` with both, load what Keras writes of it, and let Keras load what we write."""
    shape, dtype = x[0].shape[1:], x[0].dtype.name
    theirs, ours = (model_of(lib, case, shape, dtype) for lib in (keras, cnnfast))
    loaded = layers.deserialize(json.loads(theirs.to_json()))
    expected = [np.asarray(y) for y in tree.flatten(theirs(list(x)))]
    for model in (ours, loaded):
        assert [t.shape for t in model.outputs] == [t.shape for t in theirs.outputs]
        assert [t.dtype for t in model.outputs] == [t.dtype for t in theirs.outputs]
        agree(model.predict(list(x), verbose=0), expected, atol, rtol)
    read = keras.models.model_from_json(ours.to_json())
    agree([np.asarray(y) for y in tree.flatten(read(list(x)))], expected, atol, rtol)


def agree(made: Any, expected: Sequence[np.ndarray[Any, Any]], atol: float, rtol: float) -> None:
    for a, b in zip(tree.flatten(made), expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(
            np.asarray(a, np.float64), np.asarray(b, np.float64), atol=atol, rtol=rtol
        )
