"""What importing the package loads: what predicting needs, and the rest when it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cnnfast
from cnnfast import layers

pytestmark = pytest.mark.long

FIXTURES = Path(__file__).parent / "saving" / "fixtures" / "2.15.1"
# What all layers share.
BASE = {
    f"cnnfast.layers.base.{name}"
    for name in (
        *("array_masks", "calling", "changing", "layer", "masking", "masks", "mixing", "phases"),
        *("rules", "weights"),
    )
} | {"cnnfast.layers.core.input_layer"}  # which models make

# NumPy, and what no package gets around.
STARTED = "import sys, json, numpy, dataclasses, threading, contextvars; before = set(sys.modules)"


def loaded_by(code: str) -> set[str]:
    """Run `code` in a new interpreter and return the modules that it loads beside NumPy's."""
    report = "print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join((STARTED, code, report))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def rooms(modules: set[str]) -> set[str]:
    """Return the parts of the package that `modules` are of."""
    return {name.split(".")[1] for name in modules if name.startswith("cnnfast.")}


def modules(loaded: set[str]) -> set[str]:
    return {name for name in loaded if name.partition(".")[0] == "cnnfast"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of such a CNN as introductions have, compiled as they do it."""
    made = cnnfast.Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3),
            layers.Activation("relu"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )
    made.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    path = tmp_path_factory.mktemp("models") / "cnn.keras"
    made.save(path)
    return path


@pytest.fixture(scope="module")
def imported() -> set[str]:
    return loaded_by("import cnnfast")


def test_import_leaves_out_what_predicting_does_not_need(imported: set[str]) -> None:
    postponed = {"applications", "cli", "losses", "metrics", "ops", "optimizers", "profiling"}
    assert not rooms(imported) & (postponed | {"saving"})
    assert not imported & {"cnnfast.models.scoring", "cnnfast.models.summary"}
    assert not imported & {"cnnfast.models.dialects", "cnnfast.utils.display.console"}


def test_import_loads_no_layer_before_it_is_asked_for(imported: set[str]) -> None:
    families = {name for name in imported if name.startswith("cnnfast.layers.")}
    assert not {name for name in families if name.count(".") > 2} - BASE
    assert len(modules(imported)) <= 116


def test_an_introductory_cnn_loads_what_it_is_made_of(model: Path) -> None:
    loaded = loaded_by(
        f"import cnnfast; model = cnnfast.load_model({str(model)!r})\n"
        "assert model.compiled\n"
        "model.predict(numpy.ones((1, 12, 12, 3)), verbose=0)"
    )
    layers = {name.split(".", 2)[2] for name in loaded if name.startswith("cnnfast.layers.")}
    families = {name for name in layers if name.count(".") == 1}
    assert {f for f in families if not f.startswith(("base.", "serialization."))} == {
        *("activations.activation", "convolutional.base_conv", "convolutional.conv"),
        *(
            "core.dense",
            "core.input_layer",
            "core.lambda_layer",
            "normalization.affine_normalization",
        ),
        *(
            "normalization.batch_normalization",
            "pooling.window_pooling",
            "regularization.unchanged",
        ),
        "reshaping.shapes",
    }
    assert not rooms(loaded) & {"ops", "applications", "profiling"}
    judges = {name for name in loaded if name.startswith(("cnnfast.losses.", "cnnfast.metrics."))}
    assert judges == {
        *("cnnfast.losses.arrays", "cnnfast.losses.hinge", "cnnfast.losses.loss"),
        *("cnnfast.losses.probabilistic", "cnnfast.metrics.metric"),
    }
    assert not {name for name in loaded if name.startswith("cnnfast.saving.live")}
    assert "numpy.typing" not in loaded
    assert not loaded & {"cnnfast.saving.cloning", "cnnfast.saving.writing"}
    assert len(modules(loaded)) <= 178


def test_a_file_with_a_rare_layer_loads_it() -> None:
    path = FIXTURES / "more_recurrent.h5"
    loaded = loaded_by(
        f"import cnnfast; model = cnnfast.load_model({str(path)!r}, compile=False)\n"
        "assert any('LSTM' in type(layer).__name__ for layer in model.layers)"
    )
    assert "cnnfast.layers.rnn.lstm" in loaded
    assert "cnnfast.layers.preprocessing.mel_spectrogram" not in loaded


def test_a_layer_is_found_in_every_way_of_asking() -> None:
    loaded_by("""
import pickle, cnnfast
assert {"LSTM", "rnn", "Dense", "Layer", "serialize"} <= set(dir(cnnfast.layers))
assert {"LSTM", "lstm"} <= set(dir(cnnfast.layers.rnn))
assert not [name for name in sys.modules if name.startswith("cnnfast.layers.rnn.")]
layer = pickle.loads(b"ccnnfast.layers.rnn.lstm\\nLSTM\\n.")(3)
from cnnfast.layers import LSTM
assert LSTM is cnnfast.layers.LSTM is cnnfast.layers.rnn.LSTM is cnnfast.layers.rnn.lstm.LSTM
assert isinstance(layer, cnnfast.layers.LSTM)
scope = {}
exec("from cnnfast.layers import *", scope)
assert set(cnnfast.layers.__all__) <= set(scope)
""")


def test_threads_that_ask_for_a_layer_at_once_all_get_it() -> None:
    loaded_by("""
import cnnfast
names = ["LSTM", "Bidirectional", "MultiHeadAttention", "RandomFlip", "Conv2DTranspose"] * 4
start = threading.Barrier(len(names))
found = []
def ask(name):
    start.wait()
    found.append(getattr(cnnfast.layers, name).__name__ == name)
threads = [threading.Thread(target=ask, args=(name,)) for name in names]
[t.start() for t in threads], [t.join() for t in threads]
assert found == [True] * len(names)
""")


def test_import_loads_no_further_library(imported: set[str]) -> None:
    ours = {"cnnfast", "numpy"}
    others = {name.split(".")[0] for name in imported} - ours
    # `resource` tells the limit of memory; editable installs load the last.
    assert others <= {"__future__", "_editable_skbc_cnnfast", "importlib", "resource"}
    # Only type checkers read these, and NumPy's writes docstrings of its own when imported.
    assert not imported & {"numpy.typing", "cnnfast.symbolic.typing"}


def test_import_compiles_no_methods_but_those_of_a_few_classes() -> None:
    counted = """
compiled = []
sys.addaudithook(
    lambda event, about: compiled.append(about[1]) if event == "compile" else None
)
import cnnfast
print(compiled.count("<string>"))
"""
    done = subprocess.run(
        [sys.executable, "-c", STARTED + counted], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= 24  # six for each dataclass, where there were 48 of them


def test_predicting_loads_nothing_that_judges() -> None:
    loaded = loaded_by(
        "import cnnfast\n"
        "from cnnfast.layers import Dense, Input\n"
        "cnnfast.Sequential([Input((3,)), Dense(2)]).predict(numpy.ones((2, 3)), verbose=0)"
    )
    assert not rooms(loaded) & {"losses", "metrics", "ops", "optimizers", "saving"}
    assert not {name.split(".")[0] for name in loaded} & {"rich", "h5py"}


def test_public_names_are_listed_and_there_in_every_way_of_asking() -> None:
    loaded_by("""
import cnnfast
assert dir(cnnfast) == sorted(cnnfast.__all__)
assert {"load_model", "saving", "applications", "ops", "__version__"} <= set(dir(cnnfast))
for name in cnnfast.__all__:
    scope = {}
    exec(f"from cnnfast import {name}", scope)
    assert getattr(cnnfast, name) is scope[name]
""")


def test_unknown_name_is_an_attribute_error() -> None:
    package: Any = cnnfast
    with pytest.raises(AttributeError, match="module 'cnnfast' has no attribute 'lossess'"):
        package.lossess  # noqa: B018
