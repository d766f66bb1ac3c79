"""Children that are started with a model whose weights are in a file, which changes before.

`python -m reliability.heirs METHOD CHANGE PATH` saves a model at PATH, loads it, changes the file
and starts a child; prints how many open files the child reads the weights from, and whether it
predicts as its parent did or refuses to.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import Any

import numpy as np

import cnnfast
from cnnfast.errors import ModelFileError
from cnnfast.models import load_model
from reliability.children import TIMEOUT, make_model, predict


def use(model: cnnfast.Sequential, results: Any) -> None:
    """Put the number of files that `model` reads and its prediction into `results`."""
    assert {weight.storage for weight in model.weights} == {"file"}
    files = len({id(weight._stored.source.content) for weight in model.weights})
    try:
        results.put((files, predict(model)))
    except ModelFileError:
        results.put((files, None))


def change_file(change: str, path: str) -> None:
    """Remove, replace, overwrite or touch the file at `path`, or leave it."""
    if change == "removed":
        os.remove(path)
    elif change == "replaced":
        make_model().save(path)
    elif change == "touched":
        os.utime(path, (1, 1))
    elif change == "overwritten":
        with open(path, "r+b") as file:
            file.write(bytes(os.path.getsize(path)))


def main(method: str, change: str, path: str) -> None:
    """Do what the module says."""
    make_model().save(path)
    expected = predict(load_model(path))
    model = load_model(path)
    change_file(change, path)
    context: Any = multiprocessing.get_context(method)
    results = context.Queue()
    child = context.Process(target=use, args=(model, results))
    child.start()
    try:
        files, result = results.get(timeout=TIMEOUT)
    finally:
        child.join()
    print(files, "refused" if result is None else np.array_equal(result, expected))


if __name__ == "__main__":
    main(*sys.argv[1:])
