"""A model file that changes while a model uses it: an error or the old numbers, never a crash.

Each case runs in a process of its own, because what it guards against is a signal.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast._core import digest_blocks
from cnnfast.errors import ModelFileError
from cnnfast.files.file import BLOCK_BYTES
from cnnfast.models import load_model

pytestmark = pytest.mark.long

pytest.importorskip("h5py")

USE = """
import os, shutil, sys
import numpy as np
from cnnfast.errors import ModelFileError
from cnnfast.models import load_model

path, when, how = sys.argv[1:]
model = load_model(path)
kernel = model.weights[0].numpy().copy()
small, large = (np.ones((1, n, n, 16), np.float32) for n in (8, 9))
if when == "running":
    before = model.predict(small, verbose=0)
    expected = load_model(path).predict(large, verbose=0)

if how == "cut short":
    os.truncate(path, 100)
elif how == "overwritten":
    with open(path, "r+b") as file:
        file.write(bytes(os.path.getsize(path)))
elif how == "touched":
    os.utime(path, (1, 1))
elif how == "copied over":  # as `cp` does it
    content = open(path, "rb").read()
    with open(path, "wb") as file:
        file.write(content)
    os.utime(path, (1, 1))  # the clock may not have ticked since it was opened
elif how == "synced":  # as `rsync --inplace` does it where nothing differs
    with open(path, "r+b") as file:
        content = file.read()
        file.seek(0)
        file.write(content)
    os.utime(path, (1, 1))
elif how == "changed behind the clock":
    status = os.stat(path)
    with open(path, "r+b") as file:
        file.write(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
elif how == "changed in a number":
    with open(path, "r+b") as file:
        file.seek(open(path, "rb").read().index(kernel.tobytes()) + kernel.nbytes // 2)
        file.write(b"1234")
    os.utime(path, (1, 1))
elif how == "replaced":
    with open(path + ".new", "wb") as file:
        file.write(b"another")
    os.replace(path + ".new", path)
elif how == "removed":
    os.remove(path)

def outcome(call):
    try:
        call()
    except ModelFileError as error:
        assert "was written to" in str(error) and path in str(error), error
        return "refused"
    return "ran"

results = [outcome(lambda: model.predict(large, verbose=0)), outcome(model.get_weights)]
if when == "running":  # the plan that is there has its own copy
    assert np.array_equal(model.predict(small, verbose=0), before)
if results == ["ran", "ran"]:
    assert np.array_equal(model.get_weights()[0], kernel)
    if when == "running":
        assert np.array_equal(model.predict(large, verbose=0), expected)
print(*results)
"""


@pytest.fixture(scope="module")
def model() -> cnnfast.Sequential:
    image = cnnfast.Input((None, None, 16))
    return cnnfast.Sequential([image, layers.Conv2D(64, 3), layers.Conv2D(256, 3)])


def outcome(model: cnnfast.Sequential, path: Path, when: str, how: str) -> str:
    """Return what became of a larger prediction and of `get_weights` after the change."""
    model.save(path)
    command = [sys.executable, "-P", "-c", USE, str(path), when, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


OTHER_CONTENT = ["cut short", "overwritten", "changed in a number"]
SAME_CONTENT = ["touched", "copied over", "synced"]


@pytest.mark.parametrize("when", ["loaded", "running"])
@pytest.mark.parametrize("how", OTHER_CONTENT)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_that_is_written_to_in_place_is_refused(
    model: cnnfast.Sequential, tmp_path: Path, suffix: str, how: str, when: str
) -> None:
    assert outcome(model, tmp_path / f"m{suffix}", when, how) == "refused refused"


@pytest.mark.parametrize("when", ["loaded", "running"])
@pytest.mark.parametrize("how", ["replaced", "removed"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_that_is_replaced_or_removed_gives_its_old_numbers(
    model: cnnfast.Sequential, tmp_path: Path, suffix: str, how: str, when: str
) -> None:
    assert outcome(model, tmp_path / f"m{suffix}", when, how) == "ran ran"


@pytest.mark.parametrize("how", SAME_CONTENT)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_running_model_goes_on_where_its_file_is_written_anew_with_the_same_content(
    model: cnnfast.Sequential, tmp_path: Path, suffix: str, how: str
) -> None:
    assert outcome(model, tmp_path / f"m{suffix}", "running", how) == "ran ran"


@pytest.mark.parametrize("how", SAME_CONTENT)
def test_an_archive_that_was_not_read_yet_is_compared_with_its_checksum(
    model: cnnfast.Sequential, tmp_path: Path, how: str
) -> None:
    assert outcome(model, tmp_path / "m.keras", "loaded", how) == "ran ran"
    # An HDF5 file has none.
    assert outcome(model, tmp_path / "m.h5", "loaded", how) == "refused refused"


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_running_model_notices_other_content_of_the_same_time(
    model: cnnfast.Sequential, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"m{suffix}"
    assert outcome(model, path, "running", "changed behind the clock") == "refused refused"


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_model_is_refused_while_its_file_is_copied_and_goes_on_afterwards(
    model: cnnfast.Sequential, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"m{suffix}"
    model.save(path)
    content = path.read_bytes()
    loaded = load_model(path)
    before = loaded.get_weights()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFileError, match="was written to"):
        loaded.get_weights()
    path.write_bytes(content)
    for old, new in zip(before, loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_rows_and_whole_arrays_are_compared_with_one_another(tmp_path: Path, suffix: str) -> None:
    wide = cnnfast.Sequential([cnnfast.Input((100,)), layers.Dense(3000)])
    path = tmp_path / f"m{suffix}"
    wide.save(path)
    stored = load_model(path).weights[0].numbers()
    rows = np.concatenate([stored.rows(i, i + 7) for i in range(0, 98, 7)])
    os.utime(path, (1, 1))
    np.testing.assert_array_equal(stored.rows(5, 50), rows[5:50])
    if suffix == ".keras":
        np.testing.assert_array_equal(stored.read()[:98], rows)
    else:  # the last rows were not read before
        with pytest.raises(ModelFileError, match="was written to"):
            stored.read()


def test_reading_once_more_takes_no_more_of_the_file_than_its_blocks(tmp_path: Path) -> None:
    deep = cnnfast.Sequential([cnnfast.Input((8, 8, 4)), *(layers.Conv2D(4, 1) for _ in range(50))])
    deep.save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    sizes: list[int] = []
    preadv = os.preadv

    def counted(descriptor: int, buffers: Any, offset: int) -> int:
        sizes.append(preadv(descriptor, buffers, offset))
        return sizes[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "preadv", counted)
        loaded.get_weights()
    assert len(sizes) == len(loaded.weights)
    assert max(sizes) <= 2 * BLOCK_BYTES


def test_digests_tell_blocks_apart_by_every_byte_and_by_their_length(
    rng: np.random.Generator,
) -> None:
    data = rng.integers(0, 256, 200, dtype=np.uint8)
    seen = {int(digest_blocks(data, 256, 1)[0]), int(digest_blocks(data, 256, 2)[0])}
    for place in range(200):
        changed = data.copy()
        changed[place] ^= 1 << (place % 8)
        seen.add(int(digest_blocks(changed, 256, 1)[0]))
    seen |= {int(digest_blocks(np.append(data, [np.uint8(0)] * n), 256, 1)[0]) for n in range(1, 9)}
    assert len(seen) == 2 + 200 + 8
    apart = [digest_blocks(data[i : i + 64].copy(), 64, 7) for i in (0, 64, 128, 192)]
    np.testing.assert_array_equal(digest_blocks(data, 64, 7), np.concatenate(apart))
    assert len(digest_blocks(data[:0], 64, 7)) == 0
    with pytest.raises(ValueError, match="at least one byte"):
        digest_blocks(data, 0, 7)
