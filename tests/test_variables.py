"""Variables: fixed shape, replaced numbers, versions."""

from __future__ import annotations

import copy
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

from cnnfast import variables
from cnnfast.variables import Variable


def test_numbers_are_a_read_only_copy() -> None:
    source = np.ones((2, 3), np.float32)
    variable = Variable(source, name="kernel")
    source[:] = 5
    assert variable.numpy().dtype == np.float32
    np.testing.assert_array_equal(variable.numpy(), np.ones((2, 3)))
    with pytest.raises(ValueError, match="read-only"):
        variable.numpy()[0, 0] = 2


def test_assigning_replaces_the_array_so_that_readers_keep_theirs() -> None:
    variable = Variable(np.zeros(3), name="bias")
    before = variable.numpy()
    value = np.ones(3)
    variable.assign(value)
    value[:] = 7
    np.testing.assert_array_equal(before, 0)
    np.testing.assert_array_equal(variable.numpy(), 1)


def test_assigning_another_shape_states_both() -> None:
    variable = Variable(np.zeros(3), name="bias", path="dense/bias")
    with pytest.raises(ValueError, match=r"variable\.shape=\(3,\), Received: value\.shape=\(4,\)"):
        variable.assign(np.zeros(4))
    with pytest.raises(ValueError, match="dense/bias"):
        variable.set_loaded(np.zeros((3, 1), np.float32))


def test_versions_and_the_epoch_grow_with_each_assignment() -> None:
    a, b = Variable(np.zeros(1), name="a"), Variable(np.zeros(1), name="b")
    epoch = variables.epoch()
    a.assign([1.0])
    b.set_loaded(np.ones(1, np.float32))
    assert epoch < a.version < b.version == variables.epoch()


def test_a_loaded_array_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    np.arange(4, dtype=np.float32).tofile(path)
    mapped = np.memmap(path, np.float32, mode="r")
    variable = Variable(np.zeros(4), name="kernel")
    variable.set_loaded(mapped)
    assert np.shares_memory(variable.numpy(), mapped)
    assert Variable(variable, name="copy").numpy()[3] == 3
    assert pickle.loads(pickle.dumps(variable)).numpy()[3] == 3


def test_a_deferred_variable_draws_its_numbers_once_and_only_if_asked() -> None:
    calls: list[tuple[int, ...]] = []

    def draw(shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
        calls.append(shape)
        return np.full(shape, 2.0)

    variable = Variable.deferred((2, 2), draw, name="kernel")
    assert variable.shape == (2, 2)
    assert calls == []
    threads = [threading.Thread(target=variable.numpy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(variable.numpy(), 2)
    assert calls == [(2, 2)]


def test_a_deferred_variable_that_is_loaded_never_draws() -> None:
    def draw(shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
        raise AssertionError(shape)

    variable = Variable.deferred((2,), draw, name="bias")
    variable.set_loaded(np.ones(2, np.float32))
    np.testing.assert_array_equal(variable.numpy(), 1)


def test_a_deep_copy_shares_the_numbers_until_one_is_assigned() -> None:
    variable = Variable(np.zeros(2), name="bias")
    twin = copy.deepcopy(variable)
    assert np.shares_memory(variable.numpy(), twin.numpy())
    twin.assign([1.0, 1.0])
    np.testing.assert_array_equal(variable.numpy(), 0)


def test_pickling_keeps_numbers_name_and_flag() -> None:
    variable = Variable(np.arange(3), name="bias", trainable=False, path="dense/bias")
    twin = pickle.loads(pickle.dumps(variable))
    np.testing.assert_array_equal(twin.numpy(), [0, 1, 2])
    assert (twin.name, twin.path, twin.trainable) == ("bias", "dense/bias", False)
    assert not twin.numpy().flags.writeable


def test_numpy_functions_take_a_variable() -> None:
    variable = Variable([1.0, 2.0], name="bias")
    assert np.sum(variable) == 3.0
    assert np.asarray(variable, np.float64).dtype == np.float64


def test_a_variable_of_int32_holds_whole_numbers_that_float32_has() -> None:
    places = Variable([[2, 1], [0, 2**24]], dtype="int", trainable=False)
    assert (places.dtype, places.numpy().dtype, places.value.dtype) == ("int32", "int32", "int32")
    places.assign_sub(1).assign_add([[0, 0], [1, 1]])
    np.testing.assert_array_equal(np.asarray(places), [[1, 0], [0, 2**24]])
    assert not places.numpy().flags.writeable
    assert Variable(2.0, dtype="float32").dtype == Variable(2).dtype == "float32"
    for wrong in ([[0.5, 0], [0, 0]], [[2**24 + 1, 0], [0, 0]], [[np.nan, 0], [0, 0]]):
        with pytest.raises(ValueError, match=r"int32 holds integers of up to 2\*\*24"):
            places.assign(wrong)
        with pytest.raises(ValueError, match=r"int32 holds integers of up to 2\*\*24"):
            places.set_loaded(np.array(wrong, np.float32 if 0.5 in wrong[0] else np.float64))
    np.testing.assert_array_equal(places.numpy(), [[1, 0], [0, 2**24]])
    with pytest.raises(ValueError, match="float32 or int32"):
        Variable(1, dtype="int64")
