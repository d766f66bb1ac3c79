"""Equations of products with a kernel: what is read, and what is refused in Keras' words."""

from __future__ import annotations

from typing import Any

import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.layers.core.einsum_equations import parse
from parity import keras


def test_an_ellipsis_stands_for_as_many_axes_as_the_input_has() -> None:
    assert parse("abc,cd->abd").axes(3) == ("bc", "bd")
    letters, made = parse("...yx,xz->...yz").axes(4)
    assert (letters[-2:], made[-2:]) == ("yx", "yz")
    assert letters[:-2] == made[:-2]
    assert len(letters) == 3
    letters, made = parse("bc...,cde->bde...").axes(4)
    assert (letters[0], made[:2]) == ("c", "de")
    assert letters[1:] == made[2:]
    assert len(letters) == 3


def test_sizes_come_from_the_input_and_from_what_is_given() -> None:
    assert parse("abc,cd->abd").sizes((None, None, 4), (3, 5)) == {"b": 3, "c": 4, "d": 5}
    with pytest.raises(ValueError, match="Input shape and output shape do not match at shared"):
        parse("abc,cd->abd").sizes((None, 2, 4), (3, 5))


@pytest.mark.parametrize("equation", ["ab->ba", "ab,bc", "...ab,bc->ac", "ab...,bc->...ac"])
def test_other_forms_are_refused_in_the_words_of_keras(equation: Any) -> None:
    for package in (keras.layers, layers):
        with pytest.raises(ValueError, match="Invalid einsum equation"):
            package.EinsumDense(equation, (2,)).build((None, 3))


@pytest.mark.parametrize("equation", ["ab,bc->acd", "ab,bcd->ac"])
def test_a_letter_without_a_size_is_refused(equation: str) -> None:
    with pytest.raises(ValueError, match=r"no corresponding dim.*Received: equation="):
        parse(equation)


@pytest.mark.parametrize("equation", ["ab,ab->ab", "ab,bc->ca", "ab,bc->c"])
def test_a_product_over_the_batch_is_refused(equation: str) -> None:
    with pytest.raises(UnsupportedError, match=r"is the batch.*Received: equation="):
        parse(equation)


def test_a_diagonal_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="may stand once"):
        parse("abb,bc->abc")
