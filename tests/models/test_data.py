"""Every kind of data becomes the same batches."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cnnfast.models.data import Batch, open_source, unpack_batch


def sizes(source: Any) -> list[int]:
    """Return the number of samples of each batch."""
    return [len(batch.x) for batch in source]


def test_arrays_are_cut_into_batches_of_32() -> None:
    source = open_source(np.zeros((70, 2)))
    assert (sizes(source), source.steps, source.samples) == ([32, 32, 6], 3, 70)


def test_batches_are_views_in_order() -> None:
    x, y = np.arange(10), np.arange(10, 20)
    batches = list(open_source(x, y, batch_size=4))
    assert [batch.x.tolist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert batches[1].y.tolist() == [14, 15, 16, 17]
    assert all(np.shares_memory(batch.x, x) for batch in batches)
    assert all(batch.sample_weight is None for batch in batches)


@pytest.mark.parametrize(
    ("batch_size", "steps", "expected"),
    [(None, 3, [4, 4, 2]), (None, 4, [3, 3, 3, 1]), (4, 2, [4, 4]), (100, None, [10])],
)
def test_steps_and_batch_size_go_together(
    batch_size: int | None, steps: int | None, expected: list[int]
) -> None:
    assert sizes(open_source(np.zeros(10), batch_size=batch_size, steps=steps)) == expected


def test_data_without_samples_is_one_empty_batch() -> None:
    source = open_source(np.zeros((0, 4)), np.zeros(0), batch_size=5)
    assert (sizes(source), source.steps, source.samples) == ([0], 1, 0)


def test_more_steps_than_data_warn_and_end() -> None:
    source = open_source(np.zeros(10), batch_size=4, steps=5)
    with pytest.warns(UserWarning, match="ran out of data after 3 of 5 steps"):
        assert sizes(source) == [4, 4, 2]


@pytest.mark.parametrize(
    "x", [np.zeros((3, 2)), [[0, 1], [2, 3], [4, 5]], [np.float32(1), np.float32(2), 3.0]]
)
def test_arrays_and_nested_numbers_are_one_array(x: Any) -> None:
    (batch,) = open_source(x)
    assert isinstance(batch.x, np.ndarray)
    assert len(batch.x) == 3


def test_lists_and_dicts_of_arrays_keep_their_structure() -> None:
    (batch,) = open_source([np.zeros(3), {"a": np.ones((3, 2))}])
    assert batch.x[0].shape == (3,)
    assert batch.x[1]["a"].shape == (3, 2)


def test_objects_with_an_array_interface_are_arrays() -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return np.arange(5, dtype=dtype)

    (batch,) = open_source(Tensor())
    assert batch.x.tolist() == [0, 1, 2, 3, 4]


def test_unequal_numbers_of_samples_are_refused() -> None:
    with pytest.raises(ValueError, match=r"cardinality is ambiguous.*'x' sizes: \[5\].*\[4\]"):
        open_source(np.zeros(5), np.zeros(4))
    with pytest.raises(ValueError, match=r"'sample_weight' sizes: \[3\]"):
        open_source(np.zeros(5), np.zeros(5), np.zeros(3))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.float32(3), "along its first axis"),
        (np.array(["a"]), "real numbers. Received: dtype <U1"),
        (np.array([None]), "real numbers. Received: dtype object"),
        (np.zeros(2, complex), "real numbers. Received: dtype complex128"),
        ([[1, 2], [3]], "rectangular"),
        ("photo.png", "must be an array.*Received: x='photo.png'"),
        (7, "must be an array.*Received: x=7"),
        (None, "must be an array.*Received: x=None"),
        ({}, "at least one sample"),
        ([], "at least one sample"),
    ],
)
def test_what_is_no_data_is_refused(x: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_source(x)


@pytest.mark.parametrize("bad", [0, -1, 2.5, "8", True])
def test_batch_size_and_steps_must_be_positive(bad: Any) -> None:
    with pytest.raises(ValueError, match="`batch_size` must be a positive integer"):
        open_source(np.zeros(3), batch_size=bad)
    with pytest.raises(ValueError, match="`steps` must be a positive integer"):
        open_source(np.zeros(3), steps=bad)


@pytest.mark.parametrize(
    ("item", "fields"),
    [
        (np.ones((2, 3)), 1),
        ((np.ones((2, 3)),), 1),
        ((np.ones((2, 3)), [0, 1]), 2),
        ([np.ones((2, 3)), np.ones(2)], 2),
        ((np.ones((2, 3)), np.ones(2), np.ones(2)), 3),
        ((np.ones((2, 3)), None), 1),
        ([[1, 2, 3], [4, 5, 6]], 1),
    ],
)
def test_items_of_a_generator_are_unpacked(item: Any, fields: int) -> None:
    batch = unpack_batch(item)
    assert batch.x.shape == (2, 3)
    assert sum(part is not None for part in batch) == fields


@pytest.mark.parametrize("item", [(), (np.ones(2),) * 4, ("a", "b"), None, {"x": "y"}])
def test_items_that_are_no_batch_are_refused(item: Any) -> None:
    with pytest.raises(ValueError, match="Received"):
        unpack_batch(item)


def test_items_whose_parts_differ_in_length_are_refused() -> None:
    with pytest.raises(ValueError, match="cardinality is ambiguous"):
        unpack_batch((np.ones(3), np.ones(2)))


def endless() -> Iterator[np.ndarray]:
    """Yield batches of two for ever."""
    while True:
        yield np.zeros(2)


def test_steps_end_an_endless_generator_and_take_no_batch_more() -> None:
    generator = iter([np.full(2, number) for number in range(5)])
    assert [batch.x[0] for batch in open_source(generator, steps=3)] == [0, 1, 2]
    assert next(generator)[0] == 3
    assert sizes(open_source(endless(), steps=4)) == [2, 2, 2, 2]


def test_a_generator_ends_by_itself_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = open_source(np.zeros(size) for size in (3, 1, 2))
        assert (sizes(source), source.steps, source.samples) == ([3, 1, 2], None, None)


def test_an_exhausted_generator_warns_if_steps_asked_for_more() -> None:
    with pytest.warns(UserWarning, match="ran out of data after 2 of 3 steps"):
        assert sizes(open_source((np.zeros(1) for _ in range(2)), steps=3)) == [1, 1]


def test_an_empty_generator_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one batch"):
        list(open_source(np.zeros(1) for _ in range(0)))


def test_targets_beside_a_generator_are_refused() -> None:
    with pytest.raises(ValueError, match="When providing `x` as a generator, `y` should not"):
        open_source(endless(), np.zeros(2))
    with pytest.raises(ValueError, match="`sample_weight` should not be passed"):
        open_source(endless(), sample_weight=np.zeros(2))


class Pairs:
    """An indexable data set of three batches that counts its epochs."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return np.full(2, index), np.full(2, -index)

    def on_epoch_begin(self) -> None:
        """Note the call."""
        self.events.append("begin")

    def on_epoch_end(self) -> None:
        """Note the call."""
        self.events.append("end")


def test_a_data_set_is_read_by_index_between_epoch_events() -> None:
    pairs = Pairs()
    source = open_source(pairs)
    assert source.steps == 3
    assert [(batch.x[0], batch.y[0]) for batch in source] == [(0, 0), (1, -1), (2, -2)]
    assert pairs.events == ["begin", "end"]


def test_a_data_set_without_a_length_ends_at_an_index_error() -> None:
    class Open:
        def __getitem__(self, index: int) -> np.ndarray:
            return [np.zeros(2), np.zeros(1)][index]

    assert sizes(open_source(Open())) == [2, 1]


def test_a_py_dataset_of_keras_is_read(keras: Any) -> None:
    class Data(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> list[np.ndarray]:
            return [np.full((3, 1), index), np.zeros(3)]

    source = open_source(Data(workers=1))
    assert source.steps == 2
    assert [batch.x[0, 0] for batch in source] == [0, 1]


def test_an_endless_py_dataset_of_keras_needs_steps_only(keras: Any) -> None:
    class Data(keras.utils.PyDataset):
        num_batches = None

        def __getitem__(self, index: int) -> tuple[np.ndarray]:
            return (np.full(1, index),)

    source = open_source(Data(workers=1), steps=3)
    assert [batch.x[0] for batch in source] == [0, 1, 2]


def test_an_iterable_with_a_length_knows_its_steps() -> None:
    class Loader:
        def __len__(self) -> int:
            return 2

        def __iter__(self) -> Iterator[list[np.ndarray]]:
            return iter([[np.zeros(2), np.ones(2)]] * 2)

    source = open_source(Loader())
    assert source.steps == 2
    assert [batch.y.tolist() for batch in source] == [[1, 1], [1, 1]]


def test_a_batch_has_empty_parts_by_default() -> None:
    assert Batch(np.zeros(1))[1:] == (None, None)
