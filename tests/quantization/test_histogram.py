"""What is seen of a value, batch by batch."""

import numpy as np
import pytest

from cnnfast.quantization.histogram import BINS, SAMPLED, Histogram


def seen(*batches: np.ndarray) -> Histogram:
    histogram = Histogram()
    for batch in batches:
        histogram.add(batch.astype(np.float32))
    return histogram


def test_extremes_are_those_of_all_batches():
    histogram = seen(np.array([1.0, 2.0]), np.array([-7.5, 0.5]))
    assert (histogram.low, histogram.high) == (-7.5, 2.0)


def test_counts_are_those_of_one_histogram_whatever_the_order():
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal(1000) * 10.0**power for power in (-3, 1, 4)]
    forth, back = seen(*batches), seen(*batches[::-1])
    assert forth.width == back.width
    assert np.array_equal(forth.counts, back.counts)
    assert forth.counts.sum() == 3000
    everything = np.concatenate(batches).astype(np.float32)
    edges = np.arange(-BINS, BINS + 1) * forth.width
    assert np.array_equal(forth.counts, np.histogram(everything, edges)[0])


def test_zeros_are_not_counted():
    assert seen(np.zeros(5)).counts.sum() == 0
    assert seen(np.array([0.0, 3.0, 0.0])).counts.sum() == 1


def test_of_many_numbers_some_are_counted_but_all_are_looked_at():
    numbers = np.ones(4 * SAMPLED + 1)
    numbers[1] = 9.0
    histogram = seen(numbers)
    assert histogram.high == 9.0
    assert histogram.counts.sum() <= SAMPLED


@pytest.mark.parametrize("size", [1e-38, 1e-6, 1.0, 2.0, 3e38])
def test_numbers_of_any_size_fall_into_the_outer_half(size):
    histogram = seen(np.array([size, -size]))
    places = np.flatnonzero(histogram.counts)
    assert histogram.counts.sum() == 2
    if size > 1e-35:
        assert np.all(np.abs(places + 0.5 - BINS) + 1 > BINS / 2)
