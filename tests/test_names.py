"""The page of names says what there is."""

from __future__ import annotations

import pytest

import cnnfast
from cnnfast.ops.names import WHY
from names_table import TABLE, table
from parity import keras


def test_the_page_of_names_is_current() -> None:
    assert TABLE.read_text() == table(), "run PYTHONPATH=tests python tests/names_table.py"


@pytest.mark.parametrize("name", sorted(WHY))
def test_an_operation_that_is_not_there_says_why(name: str) -> None:
    places = [cnnfast.ops, cnnfast.ops.nn, cnnfast.ops.numpy, cnnfast.ops.image]
    modules = ("ops", "ops.nn", "ops.numpy", "ops.image")
    known = [
        place
        for place, module in zip(places, modules, strict=True)
        if hasattr(getattr(keras.ops, module[4:], None) if module != "ops" else keras.ops, name)
    ]
    assert known
    for place in known:
        with pytest.raises(AttributeError, match="has no attribute") as caught:
            getattr(place, name)
        assert WHY[name] in str(caught.value)


def test_every_operation_of_keras_is_there_or_says_why() -> None:
    names = {name for name in dir(keras.ops) if not name.startswith("_")}
    assert names - set(cnnfast.ops.__all__) - set(WHY) == set()
