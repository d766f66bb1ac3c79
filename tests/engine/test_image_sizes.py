"""Images of many sizes: weights are read and packed once, the network is lowered once."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

from cnnfast import layers, ops
from cnnfast._core import packed_bytes
from cnnfast.engine import executor
from cnnfast.engine.late import late
from cnnfast.models import Model, Sequential, load_model
from cnnfast.variables import Variable


def u_net() -> Model:
    x = inputs = layers.Input((None, None, 3))
    x = skipped = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same")(x))
    x = layers.Concatenate()([layers.UpSampling2D(2, interpolation="bilinear")(x), skipped])
    return Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))


def classifier() -> Sequential:
    return Sequential(
        [
            layers.Input((None, None, 3)),
            layers.ZeroPadding2D(((1, 2), (0, 3))),
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.Cropping2D(1),
            layers.Conv2DTranspose(4, 3, strides=2),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )


def sliced() -> Model:
    inputs = layers.Input((None, None, 3))
    x = layers.Conv2D(8, 3)(inputs)
    x = ops.relu(x[:, 1:-1, 2:])
    return Model(inputs, layers.Flatten()(ops.mean(x, axis=1, keepdims=True)[:, :, :4]))


@pytest.fixture(params=[u_net, classifier, sliced])
def model(request, rng):
    made = request.param()
    for variable in made.weights:
        variable.assign(rng.uniform(0.1, 0.5, variable.shape))
    return made


@pytest.fixture
def lowerings(monkeypatch):
    """Counts how often a network is lowered from here on, the judge of `conftest` apart."""
    count = []
    lower = executor.lower

    def counted(network, shapes):
        if not all(isinstance(size, int) for shape in shapes for size in shape):
            count.append(shapes)
        return lower(network, shapes)

    monkeypatch.setattr(executor, "lower", counted)
    return count


SIZES = [(32, 32), (34, 48), (50, 20), (64, 32), (33 * 2, 70), (32, 96)]


def test_a_network_is_lowered_once_for_many_sizes(model, rng, lowerings):
    for size in SIZES:
        model.predict_on_batch(rng.random((1, *size, 3), np.float32))
    assert len(lowerings) == 1


def test_each_size_gives_the_bits_of_a_model_that_saw_no_other(model, rng):
    images = [rng.random((2, *size, 3), np.float32) for size in SIZES]
    got = [model.predict_on_batch(image) for image in images]
    for image, one in zip(images, got, strict=True):
        model.release_memory()
        np.testing.assert_array_equal(model.predict_on_batch(image), one)


def test_a_new_size_reads_no_weight(model, rng, monkeypatch, judge):
    judge.undo()
    model.predict_on_batch(rng.random((1, 64, 64, 3), np.float32))
    read = []
    monkeypatch.setattr(Variable, "numbers", read.append)
    plan = model._executor._lowered[0].plan(
        ((64, 80, 3),), True, executor.WEIGHT_DTYPES["float32"], False
    )
    assert plan.output_shapes
    assert not read


def test_packed_weights_outlive_the_plans_that_used_them(rng):
    model = classifier()
    gc.collect()
    before = packed_bytes()
    model.warm_up((n, n, 3) for n in range(40, 40 + executor.PLANS_KEPT))
    held = packed_bytes() - before
    assert held > 0
    model.warm_up((n, n, 3) for n in range(100, 100 + 2 * executor.PLANS_KEPT))
    assert packed_bytes() - before == held
    assert model.memory_report().packed_bytes > held  # and the biases, which each plan has


def test_assigning_one_weight_packs_that_one_alone(rng, monkeypatch, tmp_path):
    """What was packed of the others is found again, as their numbers are the same."""
    model = classifier()
    image = rng.random((1, 40, 40, 3), np.float32)
    model.predict_on_batch(image)
    kernel = model.layers[1].kernel
    kernel.assign(rng.standard_normal(kernel.shape))
    fresh = classifier()
    fresh.set_weights(model.get_weights())
    np.testing.assert_array_equal(model.predict_on_batch(image), fresh.predict_on_batch(image))


def test_a_size_that_lowers_otherwise_is_lowered_again(rng, lowerings):
    """A window that reaches beyond small images loses taps; others keep all."""
    model = Sequential(
        [
            layers.Input((None, None, 3)),
            layers.Conv2D(4, 3, dilation_rate=6, padding="same"),
            layers.GlobalMaxPooling2D(),
        ]
    )
    images = {n: rng.random((1, n, n, 3), np.float32) for n in (40, 4, 44, 20, 5)}
    got = {n: model.predict_on_batch(image) for n, image in images.items()}
    assert 1 < len(lowerings) < len(images)
    for n, image in images.items():
        model.release_memory()
        np.testing.assert_array_equal(model.predict_on_batch(image), got[n])


def test_a_size_that_is_too_small_is_refused_in_keras_words_at_any_time(rng):
    model = Sequential([layers.Input((None, None, 3)), layers.Conv2D(4, 5), layers.Conv2D(4, 3)])
    for size in (32, 40):
        model.predict_on_batch(rng.random((1, size, size, 3), np.float32))
        with pytest.raises(ValueError, match="Received"):
            model.predict_on_batch(rng.random((1, 6, 6, 3), np.float32))


def test_a_users_function_sees_every_size_as_it_is(rng):
    def halves(x):
        assert all(type(size) is int for size in x.shape)
        return x[:, : x.shape[1] // 2]

    inputs = layers.Input((None, None, 3))
    model = Model(inputs, layers.Conv2D(2, 1)(layers.Lambda(halves)(inputs)))
    for size in ((8, 6), (10, 6), (8, 4)):
        out = model.predict_on_batch(rng.random((1, *size, 3), np.float32))
        assert out.shape == (1, size[0] // 2, size[1], 2)


def test_a_known_size_does_not_wait_for_a_new_one(rng, monkeypatch):
    model = classifier()
    image = rng.random((1, 32, 32, 3), np.float32)
    want = model.predict_on_batch(image)
    begun, may_end = threading.Event(), threading.Event()
    make = executor.Executor._make

    def slow(self, *arguments):
        begun.set()
        assert may_end.wait(60)
        return make(self, *arguments)

    monkeypatch.setattr(executor.Executor, "_make", slow)
    other = threading.Thread(target=model.warm_up, args=([(48, 48, 3)],))
    other.start()
    try:
        assert begun.wait(60)
        np.testing.assert_array_equal(model.predict_on_batch(image), want)
        assert len(model.memory_report().plans) == 1
    finally:
        may_end.set()
        other.join()
    assert len(model.memory_report().plans) == 2


def test_a_plan_made_of_weights_that_were_assigned_meanwhile_is_not_kept(rng, monkeypatch):
    model = classifier()
    image = rng.random((1, 32, 32, 3), np.float32)
    make = executor.Executor._make
    bias = model.layers[-1].bias

    def overtaken(self, *arguments):
        made = make(self, *arguments)
        bias.assign(bias.numpy() + 1)
        return made

    monkeypatch.setattr(executor.Executor, "_make", overtaken)
    before = model.predict_on_batch(image)
    monkeypatch.setattr(executor.Executor, "_make", make)
    np.testing.assert_allclose(model.predict_on_batch(image), before + 1, rtol=1e-6)


def test_packing_lets_other_threads_run():
    """A thread that counts gets on while another packs large kernels."""
    model = Sequential([layers.Input((16, 16, 512)), layers.Conv2D(512, 3), layers.Conv2D(512, 3)])
    for variable in model.weights:
        variable.numpy()  # drawn now: that is not what is looked at
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1

    counter = threading.Thread(target=count)
    counter.start()
    try:
        before = counted[0]
        executor.build(executor.lower(model, ((16, 16, 512),)))
        assert counted[0] > before + 10_000
    finally:
        stop.set()
        counter.join()


def test_warm_up_makes_what_a_prediction_needs(model, rng, monkeypatch):
    model.warm_up([(32, 32, 3), (34, 48, 3)])
    monkeypatch.setattr(executor.Executor, "_make", None)
    for size in ((32, 32), (34, 48)):
        model.predict(rng.random((2, *size, 3), np.float32), verbose=0)


@pytest.mark.parametrize("shape", [(32, 32, 3), [32, np.int64(32), 3]])
def test_warm_up_takes_a_shape_alone(model, shape, rng, monkeypatch):
    model.warm_up(shape)
    monkeypatch.setattr(executor.Executor, "_make", None)
    model.predict(rng.random((2, 32, 32, 3)), verbose=0)


def test_warm_up_takes_the_shape_that_the_model_says(rng, monkeypatch):
    model = Sequential([layers.Input((8,)), layers.Dense(3)])
    model.warm_up()
    monkeypatch.setattr(executor.Executor, "_make", None)
    model(rng.random((2, 8), np.float32))


def test_warm_up_takes_a_list_of_shapes_for_several_inputs(rng, monkeypatch):
    first, second = layers.Input((None, 3)), layers.Input((4,))
    model = Model([first, second], [layers.Dense(2)(first), layers.Dense(2)(second)])
    model.warm_up([[(5, 3), (4,)]])
    monkeypatch.setattr(executor.Executor, "_make", None)
    model.predict([rng.random((2, 5, 3)), rng.random((2, 4))], verbose=0)


@pytest.mark.parametrize(
    ("shapes", "rule"),
    [
        (None, "`shapes` must say"),
        ([(32, None, 3)], "positive integers"),
        ([(0, 8, 3)], "positive integers"),
        ([(32, 32, 4)], "shape"),
        ([(32, 3)], "shape"),
        ([5], "shape"),
        (5, r"list of shapes.*\[\(224, 224, 3\)\]"),
    ],
)
def test_warm_up_refuses_what_is_no_size_of_an_image(shapes, rule):
    with pytest.raises(ValueError, match=rule) as error:
        classifier().warm_up(shapes)
    assert "Received" in str(error.value)


def test_a_kernel_is_known_again_by_the_array_it_came_from():
    layer = layers.Dense(2)
    layer.build((None, 3))
    kernel = layer.kernel
    key = late(kernel).key
    assert late(kernel).key == key
    kernel.assign(kernel.numpy().copy())
    assert late(kernel).key != key


def test_a_model_of_a_file_reads_each_weight_once_for_many_sizes(tmp_path, rng, judge):
    judge.undo()
    pytest.importorskip("h5py")
    classifier().save(tmp_path / "model.keras")
    model = load_model(tmp_path / "model.keras")
    model.predict_on_batch(rng.random((1, 40, 40, 3), np.float32))
    (tmp_path / "model.keras").write_bytes(b"written to")  # reading would be refused
    model.predict_on_batch(rng.random((1, 44, 40, 3), np.float32))
