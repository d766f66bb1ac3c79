"""Products of two computed matrices: numbers, and bits that depend on the shape alone."""

from __future__ import annotations

import numpy as np
import pytest

import reference
from cnnfast._core import PlanBuilder

pytestmark = pytest.mark.usefixtures("threading_kind")

# Rows and columns around the register tiles and column blocks of each instruction set, with and
# without packing; depths around the chunk of 512 products.
ROWS = [1, 3, 4, 6, 7, 13, 15, 29]
COLUMNS = [1, 7, 8, 15, 16, 17, 33, 70]
DEPTHS = [1, 5, 511, 512, 513, 1100]


def product(a, b, threads=1):
    """`a @ b` of a batch by the core."""
    builder = PlanBuilder()
    x, y = builder.input(a.shape[1:]), builder.input(b.shape[1:])
    plan = builder.build([builder.matmul(x, y, (*a.shape[1:-1], b.shape[-1]))])
    out = np.full((*a.shape[:-1], b.shape[-1]), np.nan, np.float32)
    plan.run([a, b], [out], threads)
    return out


def check(a, b):
    """The product agrees with float64 and has the same bits on more threads and in any batch."""
    got = product(a, b)
    want = a.astype(np.float64) @ b.astype(np.float64)
    scale = np.abs(a).max() * np.abs(b).max()
    np.testing.assert_allclose(got, want, rtol=0, atol=reference.tolerance(a.shape[-1], scale))
    np.testing.assert_array_equal(product(a, b, 3), got)
    each = [product(a[i : i + 1], b[i : i + 1], 2) for i in range(len(a))]
    np.testing.assert_array_equal(np.concatenate(each), got)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("columns", COLUMNS)
def test_matmul_is_right_at_every_remainder_of_a_tile(rows, columns, rng):
    a = rng.standard_normal((2, 3, rows, 19), np.float32)
    check(a, rng.standard_normal((2, 3, 19, columns), np.float32))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("rows", [2, 9])
def test_matmul_is_right_at_every_remainder_of_a_chunk(rows, depth, rng):
    a = rng.standard_normal((2, rows, depth), np.float32)
    check(a, rng.standard_normal((2, depth, 37), np.float32))


def test_a_large_matmul_goes_chunk_by_chunk_and_block_by_block(rng):
    """More rows than stay in cache, so that each chunk is multiplied for all columns first."""
    a = rng.standard_normal((1, 300, 1300), np.float32)
    check(a, rng.standard_normal((1, 1300, 75), np.float32))


def test_many_tiny_matrices_are_multiplied_one_by_one(rng):
    """Too little work to pack for: each matrix is read as it is."""
    a = rng.standard_normal((2, 40, 8, 8), np.float32)
    check(a, rng.standard_normal((2, 40, 8, 8), np.float32))


def test_few_and_many_rows_give_the_same_bits(rng):
    """A row's sum has one order, whether the other operand is packed or read as it is."""
    a = rng.standard_normal((1, 12, 700), np.float32)
    b = rng.standard_normal((1, 700, 45), np.float32)
    np.testing.assert_array_equal(product(a, b)[:, :2], product(a[:, :2].copy(), b))


@pytest.mark.parametrize("rows", [2, 8])
def test_what_is_not_a_number_stays_in_its_row_and_column(rows, rng):
    a = rng.standard_normal((1, rows, 20), np.float32)
    b = rng.standard_normal((1, 20, 21), np.float32)
    a[0, 1, 3] = np.nan
    b[0, 4, 20] = np.inf
    with np.errstate(invalid="ignore"):
        want = a.astype(np.float64) @ b.astype(np.float64)
    got = product(a, b)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(want))
