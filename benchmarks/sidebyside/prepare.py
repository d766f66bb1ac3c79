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

from sidebyside import crops, exports, real_images, zoo
from sidebyside.examples import CALIBRATION_IMAGES, Examples
from sidebyside.rounds import die_first, silence
from sidebyside.runtimes import CALIBRATION, MODULES, Images, runtime

CACHE = zoo.REPOSITORY / ".benchmarks" / "zoo"
"""Where converted networks are kept unless told otherwise; git ignores it."""

LONGEST_PROBLEM = 160


@dataclass
class Prepared:
    """One network, ready to be run everywhere."""

    source: Path
    """The file that Keras saved."""
    answers: Path
    """An npz file: `images` (n, height, width, channels), Keras' `outputs`, and `depth`.

    Of real images also their `labels`, which may be none.
    """
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
    convert_all(prepared, runtimes, directory)
    return prepared


def prepare_real(source: Path, examples: Examples, runtimes: Sequence[str], count: int) -> Prepared:
    """Answer `count` real images, and convert for runtimes that calibrate on others of the kind.

    `source` is a file that `prepare` or `keep` wrote; everything goes into a folder beside it.

    Raises
    ------
    FileNotFoundError
        If a package is not installed whose images are asked for.
    DiedError
        If Keras itself has not memory enough for it.
    """
    made_by = (Path(str(module.__file__)) for module in (crops, real_images))
    directory = source.parent / f"real_{fingerprint(*made_by, examples, CALIBRATION_IMAGES)}"
    directory.mkdir(exist_ok=True)
    prepared = Prepared(source, directory / f"answers_{count}.npz")
    if not prepared.answers.is_file():
        elsewhere(answer_real, source, examples, prepared.answers, count)
    convert_all(prepared, runtimes, directory)
    return prepared


def keep(name: str, file: Path, build: Callable[[Path], Any], cache: Path) -> Path:
    """Save the network that `build` makes of a file, and return where."""
    content = hashlib.sha256(file.read_bytes()).hexdigest()
    sources = (Path(str(sys.modules[build.__module__].__file__)), Path(exports.__file__))
    source = cache / fingerprint(content, *sources) / name / f"{name}.keras"
    if not source.is_file():
        source.parent.mkdir(parents=True, exist_ok=True)
        elsewhere(save, build, file, source)
    return source


def convert_all(prepared: Prepared, runtimes: Sequence[str], directory: Path) -> None:
    """Convert the network for every runtime that has no file in `directory` yet."""
    for each in runtimes:
        module = runtime(each)
        made_by = getattr(module, "made_by", str)()
        key = fingerprint(
            Path(str(sys.modules[MODULES[each]].__file__)), module.versions(), made_by
        )
        note = directory / f"{each}_{key}.json"
        if not note.is_file():
            note.write_text(json.dumps(converted(each, prepared.source, directory)))
        result = json.loads(note.read_text())
        if result["problem"] is None:
            prepared.files[each] = directory / result["file"]
        else:
            prepared.errors[each] = result["problem"]


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
    np.savez(prepared.answers, images=images, **keras_answers(model, images))


def answer_real(source: Path, examples: Examples, file: Path, count: int) -> None:
    """Save real images with Keras' answers, and those to calibrate on."""
    model = exports.load_keras(source)
    shape = model.input_shape[1:]
    images, labels = examples.draw("evaluation", shape, count)
    np.savez(file, images=images, labels=labels, **keras_answers(model, images))
    calibrated_on, _ = examples.draw("calibration", shape, CALIBRATION_IMAGES)
    np.save(file.parent / CALIBRATION, calibrated_on)


def keras_answers(model: Any, images: Images) -> dict[str, Any]:
    """Give Keras' outputs, image by image, and how many layers have a kernel."""
    outputs = np.concatenate([np.asarray(model(image[None], training=False)) for image in images])
    depth = sum(any("kernel" in weight.path for weight in layer.weights) for layer in model.layers)
    return {"outputs": outputs, "depth": depth}


def save(build: Callable[[Path], Any], file: Path, source: Path) -> None:
    """Save what `build` makes of a file."""
    build(file).save(source)


def converted(name: str, source: Path, directory: Path) -> dict[str, str | None]:
    """Convert a network for a runtime: the name of its file, or the problem in one line."""
    try:
        path: Path = elsewhere(runtime(name).convert, source, directory)
    except DiedError as error:
        return {"file": None, "problem": f"no conversion: {error}"}
    except Exception as error:  # a runtime that cannot take a network is a result
        first_line = f"{type(error).__name__}: {error}".splitlines()[0]
        return {"file": None, "problem": first_line[:LONGEST_PROBLEM]}
    return {"file": os.path.relpath(path, directory), "problem": None}
