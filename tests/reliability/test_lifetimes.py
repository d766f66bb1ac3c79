"""A model that nobody has any more goes at once, and with it its weights, plans and open files.

Python's cyclic collector may come minutes later, or, where a service has switched it off, never.
It is off in all of these tests.
"""

from __future__ import annotations

import copy
import gc
import os
import pickle
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import _core, layers
from cnnfast.errors import ModelFileError
from cnnfast.models import clone_model, load_model

DESCRIPTORS = Path("/proc/self/fd")
X = np.random.default_rng(5).standard_normal((3, 8, 8, 2), np.float32)


@pytest.fixture(scope="module", autouse=True)
def _earlier_objects_apart() -> Iterator[None]:
    """Keep the collector from walking, before each test, all that earlier tests have left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def stack() -> cnnfast.Model:
    return cnnfast.Sequential(
        [
            cnnfast.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_regularizer="l2"),
        ]
    )


def unbuilt_stack() -> cnnfast.Model:
    return cnnfast.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])


def graph() -> cnnfast.Model:
    image = cnnfast.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, padding="same")(image)
    x = layers.Concatenate()([cnnfast.ops.tanh(x) * 2.0, layers.Conv2D(4, 1)(image)])
    halves = cnnfast.ops.split(x, 2, axis=-1)
    return cnnfast.Model(image, layers.GlobalMaxPooling2D()(halves[1]))


def layer_called_on_its_own_output() -> cnnfast.Model:
    conv = layers.Conv2D(2, 3, padding="same")
    image = cnnfast.Input((8, 8, 2))
    return cnnfast.Model(image, conv(layers.ReLU()(conv(image))))


def nested() -> cnnfast.Model:
    inner = stack()
    image = cnnfast.Input((8, 8, 2))
    both = layers.Add()([inner(image), cnnfast.Model(inner.input, inner.output)(image)])
    return cnnfast.Sequential([cnnfast.Input((8, 8, 2)), cnnfast.Model(image, both)])


def cut_out_of_another() -> cnnfast.Model:
    whole = graph()
    joined = next(layer for layer in whole.layers if isinstance(layer, layers.Concatenate))
    return cnnfast.Model(joined.output, whole.output)


def two_outputs() -> cnnfast.Model:
    image = cnnfast.Input((8, 8, 2))
    x = layers.Conv2D(4, 3)(image)
    return cnnfast.Model({"image": image}, {"a": layers.Flatten()(x), "b": x})


def with_functions_of_numpy() -> cnnfast.Model:
    model = cnnfast.Sequential([cnnfast.Input((8, 8, 2)), layers.Conv2D(2, 3)])
    model.add(layers.Lambda(lambda x, factor: x * factor, arguments={"factor": 2.0}))
    model.add(layers.Conv2D(2, 3))
    return model


def with_wrappers() -> cnnfast.Model:
    inner = cnnfast.Sequential([cnnfast.Input((8, 2)), layers.Conv1D(4, 3), layers.Flatten()])
    attention = layers.MultiHeadAttention(2, 3)
    sequence = cnnfast.Input((8, 8, 2))
    x = layers.TimeDistributed(inner)(sequence)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.SpectralNormalization(layers.Dense(4, activation=layers.ReLU(6.0)))(x)
    return cnnfast.Model(sequence, layers.GRU(2)(attention(x, x)))


MODELS = [
    stack,
    unbuilt_stack,
    graph,
    layer_called_on_its_own_output,
    nested,
    cut_out_of_another,
    two_outputs,
    with_functions_of_numpy,
    with_wrappers,
]


def fed(model: cnnfast.Model) -> np.ndarray:
    """Return images that fit the model."""
    shape = model.input_shape if model.built else X.shape
    return np.resize(X, (len(X), *shape[1:]))


def predict(model: cnnfast.Model) -> None:
    model.predict(fed(model), verbose=0)


def call(model: cnnfast.Model) -> None:
    model(fed(model))


def predict_with_callbacks(model: cnnfast.Model) -> None:
    model.predict(fed(model), batch_size=2, verbose=0, callbacks=cnnfast.callbacks.Callback())


def predict_batches_of_a_generator(model: cnnfast.Model) -> None:
    model.predict((part for part in np.split(fed(model), 3)), verbose=0)


def evaluate(model: cnnfast.Model) -> None:
    outputs = model.predict(fed(model), verbose=0)
    model.compile(loss="mse", metrics=["mae"])
    model.evaluate(fed(model), outputs, verbose=0)


def profile(model: cnnfast.Model) -> None:
    model.profile(fed(model), repeats=1)
    model.memory_report()


def describe(model: cnnfast.Model) -> None:
    predict(model)
    model.summary(print_fn=lambda _: None, expand_nested=True)
    repr(model)


def fail(model: cnnfast.Model) -> None:
    predict(model)
    for wrong in (np.zeros((1, 3, 5, 7, 9)), "image.png", [[1.0], [2.0, 3.0]]):
        with pytest.raises(ValueError, match="Received"):
            model.predict(wrong, verbose=0)


def fail_in_a_callback(model: cnnfast.Model) -> None:
    class Fails(cnnfast.callbacks.Callback):
        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        model.predict(fed(model), verbose=0, callbacks=Fails())


def set_weights(model: cnnfast.Model) -> None:
    predict(model)
    model.set_weights(model.get_weights())
    predict(model)


def call_each_layer(model: cnnfast.Model) -> None:
    """A layer that is called by itself has plans of its own."""
    predict(model)
    for layer in model.layers:
        taken = layer.input if layer._inbound_nodes else []
        if not isinstance(taken, list):
            layer(np.zeros((1, *taken.shape[1:]), np.float32))


USES = [
    predict,
    call,
    predict_with_callbacks,
    predict_batches_of_a_generator,
    evaluate,
    profile,
    describe,
    fail,
    fail_in_a_callback,
    set_weights,
    call_each_layer,
]


def traces(model: cnnfast.Model) -> list[weakref.ref[Any]]:
    """Return weak references to the model and to all that it has which takes memory."""
    parts = [part for layer in model._flatten_layers() for part in (layer, *layer.weights)]
    plans = [
        plan
        for layer in model._flatten_layers()
        if layer._engine is not None
        for plan in layer._engine.plans.values()
    ]
    assert plans, "nothing has run"
    engines = [layer._engine for layer in model._flatten_layers() if layer._engine is not None]
    return [weakref.ref(part) for part in (model, *parts, *engines)]


def alive(references: list[weakref.ref[Any]]) -> list[Any]:
    return [thing for reference in references if (thing := reference()) is not None]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("use", [predict, call_each_layer])
def test_a_dropped_model_of_any_kind_goes_at_once(
    make: Callable[[], cnnfast.Model], use: Callable[[cnnfast.Model], None]
) -> None:
    packed = _core.packed_bytes()
    model = make()
    use(model)
    references = traces(model)
    del model
    assert alive(references) == []
    assert _core.packed_bytes() == packed


@pytest.mark.parametrize("make", [stack, graph, with_functions_of_numpy])
@pytest.mark.parametrize("use", USES)
def test_a_model_goes_at_once_whatever_it_was_used_for(
    make: Callable[[], cnnfast.Model], use: Callable[[cnnfast.Model], None]
) -> None:
    model = make()
    use(model)
    references = traces(model)
    del model
    assert alive(references) == []


def pickled(model: cnnfast.Model) -> cnnfast.Model:
    return pickle.loads(pickle.dumps(model))  # type: ignore[no-any-return]


def copied_and_changed(model: cnnfast.Model) -> cnnfast.Model:
    twin = copy.copy(model)
    if isinstance(twin, cnnfast.Sequential):
        twin.add(twin.pop())
    return twin


@pytest.mark.parametrize("make", [stack, graph, nested, with_wrappers])
@pytest.mark.parametrize(
    "duplicate", [pickled, copy.copy, copy.deepcopy, copied_and_changed, clone_model]
)
def test_a_copy_goes_at_once_and_leaves_the_original_as_it_is(
    make: Callable[[], cnnfast.Model], duplicate: Callable[[Any], Any]
) -> None:
    model = make()
    expected = model.predict(fed(model), verbose=0)
    twin = duplicate(model)
    predict(twin)
    own = {id(part) for layer in model._flatten_layers() for part in (layer, *layer.weights)}
    references = [ref for ref in traces(twin) if id(ref()) not in own and ref() is not model]
    del twin
    assert alive(references) == []
    np.testing.assert_array_equal(model.predict(fed(model), verbose=0), expected)
    references = traces(model)
    del model
    assert alive(references) == []


def test_a_layer_that_is_kept_keeps_no_other() -> None:
    model = graph()
    predict(model)
    kept = model.layers[1]
    references = [ref for ref in traces(model) if ref() is not kept]
    references = [ref for ref in references if all(ref() is not w for w in kept.weights)]
    del model
    assert alive(references) == []
    with pytest.raises(AttributeError, match="nobody has a model or tensor that came of it"):
        _ = kept.output


def test_a_tensor_keeps_what_it_came_of() -> None:
    conv = layers.Conv2D(2, 3)
    y = layers.ReLU()(conv(cnnfast.Input((8, 8, 2))))
    assert conv.output.shape == (None, 6, 6, 2)
    assert conv.output is conv.output
    conv_ref = weakref.ref(conv)
    del conv
    relu = y.node.operation
    conv = relu.input.node.operation
    assert conv is conv_ref()
    model = cnnfast.Model(conv.input, y)
    np.testing.assert_array_equal(model(X), np.maximum(conv(X), 0))


@pytest.mark.parametrize("unused", [0, 1])
def test_an_output_that_nobody_took_is_there_when_asked_for(unused: int) -> None:
    image = cnnfast.Input((8, 8, 2))
    halves = cnnfast.ops.split(image, 2, axis=-1)
    model = cnnfast.Model(image, halves[1 - unused])
    del halves
    (split,) = (op for op in model.operations if op.name.startswith("split"))
    assert [tensor.index for tensor in split.output] == [0, 1]
    other = cnnfast.Model(image, split.output[unused])
    np.testing.assert_array_equal(other(X), X[..., unused : unused + 1])
    np.testing.assert_array_equal(model(X), X[..., 1 - unused : 2 - unused])


# --- files ------------------------------------------------------------------------------------


def descriptors() -> int:
    if not DESCRIPTORS.is_dir():
        pytest.skip("this system does not list open files")
    return len(os.listdir(DESCRIPTORS))


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Save a model under the name that the test asks for."""
    pytest.importorskip("h5py")
    path = tmp_path / request.param
    stack().save(path)
    return path


@pytest.mark.parametrize("file", ["m.keras", "m.h5"], indirect=True)
@pytest.mark.parametrize("use", USES)
def test_a_model_of_a_file_goes_at_once_and_closes_it(
    file: Path, use: Callable[[cnnfast.Model], None]
) -> None:
    load_model(file)
    before = descriptors()
    for _ in range(3):
        model = load_model(file)
        assert {weight.storage for weight in model.weights} == {"file"}
        use(model)
        references = traces(model)
        del model
        assert alive(references) == []
        assert descriptors() == before


@pytest.mark.parametrize("file", ["m.keras"], indirect=True)
def test_weights_that_are_replaced_close_their_file(file: Path) -> None:
    model = stack()
    predict(model)
    before = descriptors()
    model.load_weights(file)
    predict(model)
    assert descriptors() == before + 1
    model.set_weights(model.get_weights())
    predict(model)
    assert descriptors() == before


@pytest.mark.parametrize("file", ["m.keras", "m.h5"], indirect=True)
def test_a_file_that_does_not_load_is_closed(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    before = descriptors()
    with pytest.raises(ModelFileError):
        load_model(file)
    assert descriptors() == before


def test_a_model_taken_from_keras_goes_at_once(keras: Any) -> None:
    theirs = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(3, 3)])
    model = cnnfast.from_keras(theirs)
    predict(model)
    references = traces(model)
    del model
    assert alive(references) == []
