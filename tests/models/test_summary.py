"""`summary()` prints what Keras prints, to the character."""

from __future__ import annotations

from typing import Any

import pytest

import cnnfast
from cnnfast.utils import clear_session
from parity import keras


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    keras.utils.clear_session()
    clear_session()


def _nested(library: Any) -> Any:
    make = library.layers
    inner = library.Sequential(
        [make.Conv2D(4, 3, name="a_convolution_with_a_long_name"), make.BatchNormalization()],
        name="inner",
    )
    frozen = library.Sequential([make.Input((288,)), make.Dense(3), make.ReLU()], name="frozen[1]")
    frozen.trainable = False
    return library.Sequential(
        [
            make.Input((8, 10, 2)),
            inner,
            make.MaxPooling2D(1),
            make.Flatten(),
            make.Dense(288),
            frozen,
        ]
    )


def _unbuilt(library: Any) -> Any:
    make = library.layers
    return library.Sequential([make.Conv2D(4, 3), make.MaxPooling2D(), make.Flatten()])


def _unknown_sizes(library: Any) -> Any:
    make = library.layers
    return library.Sequential([make.Input((None, None, 3)), make.Conv2D(4, 3), make.ReLU()])


def _empty(library: Any) -> Any:
    return library.Sequential(name="empty")


def _text(library: Any, make: Any, **kwargs: Any) -> str:
    parts: list[str] = []
    make(library).summary(print_fn=parts.append, **kwargs)
    return "".join(parts)


@pytest.mark.parametrize("make", [_nested, _unbuilt, _unknown_sizes, _empty])
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"expand_nested": True},
        {"show_trainable": True, "expand_nested": True},
        {"line_length": 120},
        {"line_length": 60, "positions": [0.3, 0.7, 1.0]},
    ],
)
def test_the_text_is_that_of_keras(make: Any, kwargs: dict[str, Any]) -> None:
    assert _text(cnnfast, make, **kwargs) == _text(keras, make, **kwargs)


@pytest.mark.parametrize(
    "layer_range", [["inner", "flatten"], ["flatten", "inner"], ["fl.*", "d.*"]]
)
def test_a_range_of_layers(layer_range: list[str]) -> None:
    ours = _text(cnnfast, _nested, layer_range=layer_range)
    assert ours == _text(keras, _nested, layer_range=layer_range)


def test_it_prints_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _nested(cnnfast).summary()
    assert "frozen[1] (Sequential)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kwargs", "rule"),
    [
        ({"line_length": 10}, "4 characters"),
        ({"positions": [0.5, 1.0]}, "3 columns"),
        ({"layer_range": ["inner"]}, "2 strings"),
        ({"layer_range": ["x", "y"]}, "matches no layer; the layers are"),
    ],
)
def test_bad_arguments_state_the_rule(kwargs: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        _nested(cnnfast).summary(print_fn=print, **kwargs)
