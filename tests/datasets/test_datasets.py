"""Data sets are read from where Keras keeps them; nothing is downloaded, nothing in them is run."""

from __future__ import annotations

import gzip
import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnfast import datasets
from cnnfast.datasets import boston_housing, california_housing, mnist


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    return tmp_path / "datasets"


def stored(file: Path, monkeypatch: pytest.MonkeyPatch, module: Any, **arrays: Any) -> None:
    """Write arrays as a data set's file, and take that for Keras' own."""
    np.savez(file, **arrays)
    monkeypatch.setattr(module, "_HASH", hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "cifar100"])
def test_what_is_not_there_says_where_to_put_it(name: str, home: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"Nothing is downloaded.*{home}"):
        getattr(datasets, name).load_data()


def test_mnist_is_read_and_checked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "x_train": np.arange(12, dtype=np.uint8).reshape(3, 2, 2),
        "y_train": np.arange(3, dtype=np.uint8),
        "x_test": np.ones((1, 2, 2), np.uint8),
        "y_test": np.ones(1, np.uint8),
    }
    stored(home / "mnist.npz", monkeypatch, mnist, **given)
    (x, y), (x_test, y_test) = mnist.load_data()
    for found, name in ((x, "x_train"), (y, "y_train"), (x_test, "x_test"), (y_test, "y_test")):
        np.testing.assert_array_equal(found, given[name])
    monkeypatch.setattr(mnist, "_HASH", "0" * 64)
    with pytest.raises(ValueError, match="is not the file that was asked for"):
        mnist.load_data()


def test_fashion_mnist_is_read(home: Path) -> None:
    folder = home / "fashion-mnist"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 3), ("t10k", 2)):
        labels, pixels = (rng.integers(0, 9, n).astype(np.uint8) for n in (count, count * 784))
        with gzip.open(folder / f"{prefix}-labels-idx1-ubyte.gz", "wb") as file:
            file.write(bytes(8) + labels.tobytes())
        with gzip.open(folder / f"{prefix}-images-idx3-ubyte.gz", "wb") as file:
            file.write(bytes(16) + pixels.tobytes())
    (x, y), (x_test, y_test) = datasets.fashion_mnist.load_data()
    assert (x.shape, y.shape) == ((3, 28, 28), (3,))
    np.testing.assert_array_equal(x_test.ravel(), pixels)
    np.testing.assert_array_equal(y_test, labels)


def cifar_batch(count: int, seed: int) -> dict[bytes, Any]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 9, count).tolist()
    data = rng.integers(0, 255, (count, 3072)).astype(np.uint8)
    return {b"data": data, b"labels": labels, b"fine_labels": labels, b"coarse_labels": labels}


def test_cifar_is_read_as_keras_reads_it(home: Path) -> None:
    folder = home / "cifar-10-batches-py"
    folder.mkdir()
    batches = {f"data_batch_{i}": cifar_batch(2, i) for i in range(1, 6)}
    for name, batch in (batches | {"test_batch": cifar_batch(1, 9)}).items():
        (folder / name).write_bytes(pickle.dumps(batch, protocol=4))
    (x, y), (x_test, y_test) = datasets.cifar10.load_data()
    assert (x.shape, y.shape, x.dtype) == ((10, 32, 32, 3), (10, 1), np.uint8)
    assert (x_test.shape, y_test.shape) == ((1, 32, 32, 3), (1, 1))
    expected = batches["data_batch_1"][b"data"][0].reshape(3, 32, 32).transpose(1, 2, 0)
    np.testing.assert_array_equal(x[0], expected)


def test_nothing_in_a_data_set_is_run(home: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "touched",))

    folder = home / "cifar-100-python"
    folder.mkdir()
    for name in ("train", "test"):
        (folder / name).write_bytes(pickle.dumps({b"data": Evil()}))
    with pytest.raises(ValueError, match="nothing in it is run"):
        datasets.cifar100.load_data()
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("module", [boston_housing, california_housing])
def test_tables_are_split_as_keras_splits_them(
    module: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module.__name__.rpartition(".")[2]
    x, y = np.arange(30.0).reshape(10, 3), np.arange(10.0)
    stored(home / f"{name}.npz", monkeypatch, module, x=x, y=y)
    (x_train, y_train), (x_test, y_test) = module.load_data(test_split=0.3, seed=5)
    order = np.arange(10)
    np.random.RandomState(5).shuffle(order)
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), order)
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]), x[order])
    assert len(y_test) == 3
    with pytest.raises(ValueError, match="Invalid `test_split`"):
        module.load_data(test_split=2)


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_texts_say_why_they_are_not_loaded(name: str) -> None:
    with pytest.raises(NotImplementedError, match="pickle of lists"):
        getattr(datasets, name).load_data()
