"""Give changed model files to everything that reads one; run from ``tests/``.

    pip install -e ".[test,fuzz]"
    python -m fuzz.loaders --minutes 30

Whatever the bytes, they load, or raise what is documented, soon and with little memory. atheris
(libFuzzer for Python) leads the changes to code not reached before, from the fixtures of
``saving`` on. A finding is written to ``--out``, and given again as an argument:

    python -m fuzz.loaders fuzz-findings/crash-…
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from cnnfast.errors import ModelFileError, UnsupportedError
from fuzz.mutations import HDF5, ZIP, mutated

REFUSALS = (ModelFileError, UnsupportedError)
MAX_BYTES = 256 << 20
"""What a file of some kilobytes may take."""
MAX_SECONDS = 5.0
"""Of the processor, where every line that runs is recorded."""

MAX_LENGTH = 1 << 16
"""Of a file, in bytes."""


def fixtures() -> list[bytes]:
    """Return the files that Keras wrote."""
    directory = Path(__file__).parents[1] / "saving" / "fixtures"
    files = sorted(directory.glob("*/*"))
    return [path.read_bytes() for path in files if path.suffix in (".keras", ".h5", ".json")]


def seeds() -> Iterator[bytes]:
    """Yield model files of every kind: of Keras, written by hand, hostile ones, and JSON."""
    from saving import functional_files, hostile, model_files

    yield from fixtures()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "seed"
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield model_files.keras_file(path, method).read_bytes()
        yield model_files.legacy_file(path).read_bytes()
        chunks = {"chunks": True, "compression": "gzip", "shuffle": True, "fletcher32": True}
        yield model_files.legacy_file(path, **chunks).read_bytes()
        yield from _generations(model_files.legacy_file(path).read_bytes(), chunks)
        for name, (_, write) in hostile.FIXTURES.items():
            write(path.with_name(name))
            if path.with_name(name).is_file():
                yield path.with_name(name).read_bytes()
    yield model_files.weights_h5()
    configs = (functional_files.functional_2, functional_files.functional_3)
    for config in (*configs, model_files.config_2, model_files.config_3):
        yield json.dumps(config()).encode()


def _generations(data: bytes, chunks: dict[str, Any]) -> Iterator[bytes]:
    """Yield an HDF5 file as other versions write it, with every index of chunks."""
    from saving import model_files

    for version in ("v108", "v110", "latest"):
        for track_order in (False, True):
            yield model_files.rewritten(data, version, track_order)
            for resizable in range(3):
                yield model_files.rewritten(data, version, track_order, resizable, **chunks)


class Examiner:
    """Reads bytes in every way in which the package reads a file.

    Parameters
    ----------
    path
        Where the file is written.
    """

    def __init__(self, path: Path) -> None:
        from cnnfast.saving.cloning import model_from_json
        from saving import model_files

        self._path = path
        self._model = model_from_json(json.dumps(model_files.config_3()))
        self.loaded = 0

    def __call__(self, data: bytes) -> None:
        """Read `data`.

        Raises
        ------
        Exception
            Any but the documented ones; AssertionError where it took too long.
        """
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for read in self._ways(data):
                try:
                    read()
                except REFUSALS:
                    continue
                self.loaded += 1
        seconds = time.process_time() - start
        assert seconds < MAX_SECONDS, f"{seconds:.1f} seconds for {len(data)} bytes"

    def _ways(self, data: bytes) -> Iterator[Callable[[], object]]:
        from cnnfast.saving import load_model
        from cnnfast.saving.cloning import model_from_json

        self._path.write_bytes(data)
        if not data.startswith((HDF5, ZIP)):
            yield lambda: model_from_json(data.decode("utf-8", "replace"))
        yield lambda: load_model(self._path).get_weights()
        yield lambda: self._model.load_weights(self._path)


def limit_memory() -> None:
    """Let whatever asks for more than `MAX_BYTES` from here on raise MemoryError."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MAX_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main() -> None:
    """Run libFuzzer, or read the files that are named."""
    parser = argparse.ArgumentParser(prog="fuzz.loaders", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="findings to be read again")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if not args.files:
        _fuzz(args)
    examine = Examiner(args.out / "fuzzed")
    for file in args.files:
        examine(file.read_bytes())


def _fuzz(args: argparse.Namespace) -> NoReturn:
    import atheris

    with atheris.instrument_imports(include=["cnnfast"]):
        examine = Examiner(args.out / "fuzzed")
        corpus = args.out / "corpus"
        corpus.mkdir(exist_ok=True)
        for number, seed in enumerate(seeds()):
            if len(seed) <= MAX_LENGTH:
                examine(seed)  # imports what reading it needs
                (corpus / f"seed-{number}").write_bytes(seed)

    def custom_mutator(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        return mutated(data, rng, lambda part: atheris.Mutate(part, max_size))[:max_size]

    options = [
        f"-max_total_time={args.minutes * 60:.0f}",
        f"-seed={args.seed}",
        f"-artifact_prefix={args.out}/",
        f"-max_len={MAX_LENGTH}",
        "-timeout=120",  # of the clock, for what never ends
        "-print_final_stats=1",
    ]
    limit_memory()
    atheris.Setup([sys.argv[0], *options, str(corpus)], examine, custom_mutator=custom_mutator)
    atheris.Fuzz()
    sys.exit()


if __name__ == "__main__":
    main()
