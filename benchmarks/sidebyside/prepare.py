"""Networks as the files that each runtime loads, made once and kept in a folder."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from sidebyside import exports, zoo
from sidebyside.rounds import die_first, silence
from sidebyside.runtimes import MODULES, runtime

CACHE = zoo.REPOSITORY / ".benchmarks" / "zoo"
"""Where converted networks are kept unless told otherwise; git ignores it."""

LONGEST_PROBLEM = 160


@dataclass
class Prepared:
    """One network, ready to be run everywhere."""

    source: Path
    """The file that Keras saved."""
    answers: Path
    """An npz file: `images` (n, height, width, channels), Keras' `outputs`, and `depth`."""
    files: dict[str, Path] = field(default_factory=dict)
    """For each runtime the file it loads."""
    errors: dict[str, str] = field(default_factory=dict)
    """For each runtime that cannot take the network, why."""


def prepare(name: str, runtimes: Sequence[str], cache: Path) -> Prepared:
    """Build, answer and convert one network, each in a process of its own, which then ends.

    Keras and its backend would otherwise stand beside the timing with their threads.

    Raises
    ------
    FileNotFoundError
        If the network is a file that is not there.
    DiedError
        If Keras itself has not memory enough for it.
    """
    directory = cache / fingerprint(Path(zoo.__file__), Path(exports.__file__)) / name
    directory.mkdir(parents=True, exist_ok=True)
    prepared = Prepared(directory / f"{name}.keras", directory / "answers.npz")
    if not prepared.answers.is_file():
        elsewhere(build, name, prepared)
    for each in runtimes:
        versions = runtime(each).versions()
        key = fingerprint(Path(str(sys.modules[MODULES[each]].__file__)), versions)
        note = directory / f"{each}_{key}.json"
        if not note.is_file():
            note.write_text(json.dumps(converted(each, prepared.source, directory)))
        result = json.loads(note.read_text())
        if result["problem"] is None:
            prepared.files[each] = directory / result["file"]
        else:
            prepared.errors[each] = result["problem"]
    return prepared


def available(names: Sequence[str], cache: Path) -> Iterator[tuple[str, Prepared]]:
    """Yield each network as Keras saves it; say which is a file that is not there."""
    for name in names:
        try:
            yield name, prepare(name, (), cache)
        except FileNotFoundError as error:
            print(f"{name} was left out: {error}.", file=sys.stderr)


def fingerprint(*parts: object) -> str:
    """Name what a file was made by: sources by their content, Keras and the rest by name."""
    texts = [part.read_text() if isinstance(part, Path) else str(part) for part in parts]
    return hashlib.sha256("\n".join([*texts, version("keras")]).encode()).hexdigest()[:12]


class DiedError(Exception):
    """A process ended without an answer."""


def elsewhere(work: Callable[..., Any], *arguments: object) -> Any:
    """Call `work` in a process of its own; raises what it raises, or `DiedError`."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=answer, args=(theirs, work, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        result, error = ours.recv()
    except EOFError:
        process.join()
        by_memory = ", as when memory runs out" if process.exitcode == -signal.SIGKILL else ""
        raise DiedError(f"the process died, exit code {process.exitcode}{by_memory}") from None
    process.join()
    if error is not None:
        raise error
    return result


def answer(pipe: Connection, work: Callable[..., Any], *arguments: object) -> None:
    """Send what `work` returns and None, or None and what it raises.

    Keras is on its TensorFlow backend, and no converter says a word. The process is the first to
    be ended where memory runs out.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    silence()
    die_first()
    try:
        reply: tuple[Any, Exception | None] = work(*arguments), None
    except Exception as error:  # the other side says what becomes of it
        reply = None, sendable(error)
    pipe.send(reply)


def sendable(error: Exception) -> Exception:
    """Return `error`, or its text where it does not survive being sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever a converter's own exceptions hold
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def build(name: str, prepared: Prepared) -> None:
    """Save a network and Keras' answers to its images."""
    model, images = zoo.build(name)
    model.save(prepared.source)
    outputs = np.concatenate([np.asarray(model(image[None], training=False)) for image in images])
    depth = sum(any("kernel" in weight.path for weight in layer.weights) for layer in model.layers)
    np.savez(prepared.answers, images=images, outputs=outputs, depth=depth)


def converted(name: str, source: Path, directory: Path) -> dict[str, str | None]:
    """Convert a network for a runtime: the name of its file, or the problem in one line."""
    try:
        path: Path = elsewhere(runtime(name).convert, source, directory)
    except DiedError as error:
        return {"file": None, "problem": f"no conversion: {error}"}
    except Exception as error:  # a runtime that cannot take a network is a result
        first_line = f"{type(error).__name__}: {error}".splitlines()[0]
        return {"file": None, "problem": first_line[:LONGEST_PROBLEM]}
    return {"file": path.name, "problem": None}
