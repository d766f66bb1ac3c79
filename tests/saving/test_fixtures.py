"""Files that `tf.keras` 2.12 to 2.21 wrote predict what they did there (see write_fixtures.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnfast.models import Model, load_model, model_from_json

FIXTURES = Path(__file__).with_name("fixtures")
FILES = sorted(path.relative_to(FIXTURES).as_posix()[:-4] for path in FIXTURES.rglob("*.npz"))
TOLERANCE = 2e-5

pytestmark = pytest.mark.filterwarnings("ignore:.*was not compiled")


def _normalized(x: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    gamma, beta, offset = weights  # what is trained stands first
    return (np.tanh(x) - offset) * gamma + beta


def _halves(x: np.ndarray, *weights: np.ndarray) -> list[np.ndarray]:
    """Take the weights in the order in which `.h5` has them."""
    second, second_bias, first, first_bias = weights
    return [(x @ second + second_bias) / 2, x @ first + first_bias]


def _halves_by_attribute(x: np.ndarray, *weights: np.ndarray) -> list[np.ndarray]:
    return _halves(x, *weights[2:], *weights[:2])


def _mish(x: np.ndarray) -> np.ndarray:
    return x * np.tanh(np.logaddexp(x, 0)) + 0.25


def _custom_objects(path: Path) -> dict[str, Any]:
    if not path.name.startswith("own_layers"):
        return {}
    return {
        "LayerNormalization": _normalized,
        "Halves": _halves if path.suffix == ".h5" else _halves_by_attribute,
        "mymish": _mish,
        "less": lambda v: v[0] - v[1],
    }


def _model(path: Path) -> Model:
    if not path.name.startswith("without_model"):
        return load_model(path, _custom_objects(path))
    model = model_from_json(path.with_name(f"{path.name}.json").read_text())
    model.load_weights(path)
    return model


def _structure(arrays: dict[str, np.ndarray], letter: str) -> Any:
    named = {key[1:]: array for key, array in arrays.items() if key[0] == letter}
    if not all(key.isdecimal() for key in named):
        return named
    return named["0"] if len(named) == 1 else [named[str(i)] for i in range(len(named))]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_an_old_keras_predicts_what_it_did_there(name: str) -> None:
    with np.load(FIXTURES / f"{name}.npz") as stored:
        arrays = dict(stored)
    received = _model(FIXTURES / name).predict(_structure(arrays, "x"), verbose=0)
    _assert_close(received, _structure(arrays, "y"))


def _assert_close(received: Any, expected: Any) -> None:
    assert type(received) is type(expected)
    if isinstance(expected, dict):
        assert set(received) == set(expected)
        for key in expected:
            _assert_close(received[key], expected[key])
    elif isinstance(expected, list):
        for one, other in zip(received, expected, strict=True):
            _assert_close(one, other)
    else:
        assert received.shape == expected.shape
        scale = np.abs(expected).max()
        np.testing.assert_allclose(received, expected, atol=TOLERANCE * scale)
