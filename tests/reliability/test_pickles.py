"""Models pickle and copy; what their pickles make the reader call is listed here."""

from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import _core, layers
from cnnfast.models import load_model

# Everything outside this package that unpickling may look up: arrays and plain containers.
FOREIGN = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("collections", "OrderedDict"),
    ("copyreg", "_reconstructor"),
    ("builtins", "object"),
    ("builtins", "set"),
    ("_codecs", "encode"),
}
# Functions of this package, as opposed to classes, that unpickling may look up; those of losses
# and metrics are pure functions of arrays.
FUNCTIONS = {
    ("cnnfast.activations", "get"),  # in older pickles
    ("cnnfast.symbolic.activation_functions", "named"),
}
PURE = ("cnnfast.losses.", "cnnfast.metrics.")


class Reader(pickle.Unpickler):
    """Refuses whatever a model's pickle has no need of."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        own = module.startswith("cnnfast.") and (
            isinstance(found, type) or module.startswith(PURE) or (module, name) in FUNCTIONS
        )
        if not (own or (module, name) in FOREIGN):
            raise pickle.UnpicklingError(f"{module}.{name}")
        return found


def sequential() -> cnnfast.Model:
    return cnnfast.Sequential(
        [
            cnnfast.Input((12, 12, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Activation("hard_swish"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_regularizer="l2"),
        ]
    )


def functional() -> cnnfast.Model:
    image = cnnfast.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, padding="same")(image)
    x = cnnfast.ops.tanh(x) * 2.0 + layers.Conv2D(8, 1)(image)
    x = layers.LeakyReLU()(layers.Concatenate()([x, image]))
    shared = layers.Dense(4)
    return cnnfast.Model(image, [shared(x), shared(x + 1.0)])


def images() -> np.ndarray:
    return np.random.default_rng(7).standard_normal((2, 12, 12, 3), np.float32)


def same_predictions(a: cnnfast.Model, b: cnnfast.Model) -> None:
    x = images()
    got, want = a.predict(x, verbose=0), b.predict(x, verbose=0)
    for g, w in zip(np.atleast_1d(got), np.atleast_1d(want), strict=True):
        np.testing.assert_array_equal(g, w)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("make", [sequential, functional])
def test_a_pickle_gives_the_same_bits_and_calls_nothing_else(make: Any, protocol: int) -> None:
    model = make()
    model.compile(loss="mse", metrics=["mae"])
    model.predict(images(), verbose=0)
    pickled = pickle.dumps(model, protocol)
    same_predictions(Reader(io.BytesIO(pickled)).load(), model)


def test_a_pickled_model_needs_its_file_no_longer(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    sequential().save(tmp_path / "m.keras")
    model = load_model(tmp_path / "m.keras")
    pickled = pickle.dumps(model)
    (tmp_path / "m.keras").unlink()
    again = Reader(io.BytesIO(pickled)).load()
    assert b"cnnfast.saving" not in pickled
    assert {weight.storage for weight in again.weights} == {"own"}
    same_predictions(again, model)


@pytest.mark.parametrize("make", [sequential, functional])
def test_a_deep_copy_has_weights_of_its_own(make: Any) -> None:
    model = make()
    twin = copy.deepcopy(model)
    same_predictions(twin, model)
    before = model.get_weights()
    twin.set_weights([np.zeros_like(w) for w in before])
    for got, want in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_shares_the_file_and_the_packed_weights(tmp_path: Path, duplicate: Any) -> None:
    pytest.importorskip("h5py")
    sequential().save(tmp_path / "m.keras")
    model = load_model(tmp_path / "m.keras")
    model.predict(images(), verbose=0)
    packed = _core.packed_bytes()
    twin = duplicate(model)
    same_predictions(twin, model)
    assert {weight.storage for weight in twin.weights} == {"file"}
    assert _core.packed_bytes() == packed
    weight = copy.copy(model.weights[0])
    assert weight.storage == "file"
    np.testing.assert_array_equal(weight.numpy(), model.weights[0].numpy())


def test_a_plan_does_not_pickle() -> None:
    model = sequential()
    plan = model._executor.plan(((12, 12, 3),))
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(plan)


# Written before layers stood in families: models, and what the pickles of every layer, operation,
# initializer, regularizer and constraint named then.
BEFORE = Path(__file__).parent / "pickles"
NAMED_BEFORE = (BEFORE / "names_before_families.txt").read_text().split()


def test_what_older_pickles_name_is_still_found() -> None:
    missing = []
    for whole in NAMED_BEFORE:
        module, _, name = whole.rpartition(".")
        try:
            found = Reader(io.BytesIO()).find_class(module, name)
        except (ImportError, AttributeError):
            missing.append(whole)
        else:
            assert getattr(found, "__name__", name) == name
    assert missing == []
    assert len(NAMED_BEFORE) > 250


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("layers.registry", ["deserialize", "serialize"]),
        ("models.copying", ["clone_model", "model_from_config", "model_from_json"]),
        ("utils.threads", ["get_num_threads", "set_num_threads"]),
    ],
)
def test_public_functions_are_found_where_older_pickles_have_them(
    module: str, names: list[str]
) -> None:
    public = {"layers.registry": layers, "models.copying": cnnfast.models}.get(module, cnnfast)
    for name in names:
        found = pickle.loads(f"ccnnfast.{module}\n{name}\n.".encode())
        assert found is getattr(public, name)


# The second was written before a layer kept `_built` where it had `built`.
@pytest.mark.parametrize("when", ["", "_before_parts"])
@pytest.mark.parametrize("make", [sequential, functional])
def test_a_pickle_of_an_older_version_gives_the_same_model(make: Any, when: str) -> None:
    old = Reader(io.BytesIO((BEFORE / f"{make.__name__}{when}.pickle").read_bytes())).load()
    assert all(layer.built and layer.activity_regularizer is None for layer in old.layers)
    same_predictions(copy.deepcopy(old), old)
    new = make()
    new.set_weights(old.get_weights())
    same_predictions(old, new)
    assert old.get_config()["layers"][-1]["config"] == new.get_config()["layers"][-1]["config"] | {
        "name": old.layers[-1].name
    }
