"""`Model.profile`: what its rows say, and how it shows them."""

from __future__ import annotations

import importlib
import json
import math
import sys

import numpy as np
import pytest
import rich.console

import cnnfast
from cnnfast import applications, layers
from cnnfast.models import Model, Sequential
from cnnfast.profiling import Profile
from cnnfast.utils.system.machine import Machine

SLOW_MACHINE = Machine("imagined", 1, gflops=2.0, reading=((1 << 10, 8.0), (1 << 40, 0.5)))


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Give every profile the same machine, which takes no time to measure."""
    module = importlib.import_module("cnnfast.profiling.profile")
    monkeypatch.setattr(module, "measure", lambda threads: SLOW_MACHINE)


def profiled(model: Model, batch: int = 1, **kwargs: int) -> Profile:
    shape = (batch, *model.input_shape[1:])
    kwargs = {"repeats": 2, "threads": 1} | kwargs
    return model.profile(np.random.default_rng(2).standard_normal(shape, np.float32), **kwargs)


def printed(profile: Profile, **kwargs: bool) -> str:
    console = rich.console.Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(profile.table(**kwargs))
    return capture.get()


@pytest.fixture
def block():
    """Make a model whose convolution takes in what stands behind it."""
    x = layers.Input((28, 28, 64), name="image")
    y = layers.Conv2D(64, 3, padding="same", name="conv")(x)
    y = layers.BatchNormalization(name="bn")(y)
    y = layers.ReLU(name="relu")(layers.Add(name="sum")([y, x]))
    y = layers.Dense(10, name="head")(layers.GlobalAveragePooling2D(name="pool")(y))
    return Model(x, y, name="block")


def test_rows_name_every_layer_that_an_operation_was_made_of(block):
    names = [(row.layer, row.op) for row in profiled(block).rows if row.op != "copy"]
    assert names == [
        ("conv + bn + sum + relu", "conv2d"),
        ("pool", "reduce"),  # of parts of the image, and of those
        ("pool", "reduce"),
        ("head", "conv2d"),
    ]


def test_layers_inside_models_and_repeated_ones_carry_the_names_of_both():
    inner = Sequential([layers.Input((4,)), layers.Dense(3, name="dense")], name="inner")
    outer = Sequential([layers.Input((5, 4)), layers.TimeDistributed(inner, name="each")])
    assert {row.layer for row in profiled(outer).rows} == {"each/dense"}
    x = layers.Input((4,))
    assert [row.layer for row in profiled(Model(x, inner(x))).rows] == ["inner/dense"]


def test_rows_count_the_work_of_the_operation_and_of_its_algorithm(block):
    batch = 3
    conv = next(row for row in profiled(block, batch).rows if row.op == "conv2d")
    pixels, channels = 28 * 28, 64
    assert conv.algorithm == "winograd4"
    assert conv.flops == batch * 2 * 9 * channels * channels * pixels
    assert conv.own_flops == batch * 2 * 36 * 7 * 7 * channels * channels
    assert conv.weight_bytes == batch * 36 * channels * channels * 4
    assert conv.moved_bytes == batch * 4 * 3 * pixels * channels  # image twice, output


def test_weights_that_a_batch_shares_are_read_once():
    model = Sequential([layers.Input((512,)), layers.Dense(512, name="dense")])
    one, many = (profiled(model, batch).rows[0] for batch in (1, 8))
    assert (one.algorithm, many.algorithm) == ("gemv", "direct")
    assert one.weight_bytes == many.weight_bytes == 512 * 512 * 4
    assert many.flops == 8 * one.flops


def test_the_parts_of_a_concatenation_move_what_they_copy():
    x, y = layers.Input((4, 4, 3)), layers.Input((4, 4, 5))
    model = Model([x, y], layers.Concatenate(name="cat")([x, y]))
    images = [np.ones((2, 4, 4, n), np.float32) for n in (3, 5)]
    rows = model.profile(images, repeats=1, threads=1).rows
    assert [row.moved_bytes for row in rows] == [2 * 2 * 4 * 16 * n for n in (3, 5)]


def test_the_algorithm_taken_is_the_cheapest_candidate(block):
    conv, *_, head = (row for row in profiled(block).rows if row.op == "conv2d")
    assert set(conv.candidates) == {"direct", "winograd2", "winograd4"}
    assert min(conv.candidates, key=conv.candidates.__getitem__) == conv.algorithm
    assert set(head.candidates) == {"direct"}
    with cnnfast.config.override(winograd=False):
        conv = next(row for row in profiled(block).rows if row.op == "conv2d")
    assert (conv.algorithm, set(conv.candidates)) == ("direct", {"direct"})


def test_the_roofline_is_the_longer_of_computing_and_reading():
    deep = Sequential([layers.Input((12, 12, 16)), layers.Conv2D(16, 7)])
    (row,) = profiled(deep).rows
    assert row.own_flops / 2.0 > (row.weight_bytes + row.moved_bytes) / 0.5
    assert row.least_milliseconds == pytest.approx(row.own_flops / 2.0 / 1e6)
    shallow = Sequential([layers.Input((64,)), layers.Dense(64)])
    (row,) = profiled(shallow).rows
    # 16 KiB of weights, from beyond the first level; 512 bytes of activations, from inside it.
    assert row.least_milliseconds == pytest.approx((64 * 64 * 4 / 0.5 + 512 / 8.0) / 1e6)
    assert row.attained == pytest.approx(row.least_milliseconds / row.milliseconds)


@pytest.mark.parametrize("threads", [1, 2])
def test_every_operation_takes_time_and_the_shares_are_of_all(block, threads):
    profile = profiled(block, 5, threads=threads)
    assert all(row.milliseconds > 0 for row in profile.rows)
    assert sum(row.share for row in profile.rows) == pytest.approx(1)
    assert profile.images_per_second == pytest.approx(5e3 / profile.milliseconds)
    assert (profile.batch, profile.threads, profile.repeats) == (5, threads, 2)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_profiled_run_gives_the_bits_of_any_other(block, threads):
    x = np.random.default_rng(3).standard_normal((5, 28, 28, 64), np.float32)
    plan = block._executor.plan((x.shape[1:],))
    plain, timed = np.empty((2, 5, 10), np.float32)
    plan.run([x], [plain], threads)
    seconds = plan.run_profiled([x], [timed], threads)
    np.testing.assert_array_equal(plain, timed)
    assert len(seconds) == len(plan.steps)
    assert min(seconds) > 0


def test_functions_between_plans_have_rows():
    x = layers.Input((4,))
    called = layers.Lambda(lambda a: a * 2, output_shape=(4,), name="twice")(x)
    model = Model(x, layers.Dense(3, name="dense")(called))
    function, dense = profiled(model, 2).rows
    assert (function.layer, function.op, dense.layer) == ("twice", "function", "dense")
    assert function.milliseconds > 0
    assert function.moved_bytes == 2 * 2 * 16


def test_a_profile_is_plain_data(block):
    profile = profiled(block)
    data = json.loads(profile.to_json())
    assert data["model_name"] == "block"
    assert data["machine"]["gflop_per_second"] == 2.0
    assert data["roofline_ms"] == pytest.approx(profile.least_milliseconds)
    first, row = profile.rows[0], data["rows"][0]
    assert (row["layer"], row["gflop_per_second"]) == (first.layer, pytest.approx(first.gflops))
    assert row["candidate_flops"] == first.candidates


def test_the_table_shows_layers_as_they_are_named_and_estimates_on_request():
    image = layers.Input((8, 8, 8))
    model = Model(image, layers.Conv2D(8, 3, name="[red]x")(image))
    profile = profiled(model)
    assert "[red]x" in printed(profile)
    assert "of direct" not in printed(profile)
    assert "of direct" in printed(profile, candidates=True)


@pytest.mark.long
def test_a_picture_is_drawn_and_saved(block, tmp_path):
    pytest.importorskip("matplotlib")
    profile = profiled(block)
    figure = profile.plot(tmp_path / "profile.png")
    assert (tmp_path / "profile.png").read_bytes().startswith(b"\x89PNG")
    roofline, bars = figure.axes
    assert "2 GFLOP/s" in roofline.get_title()
    labels = [label.get_text() for label in bars.get_yticklabels()]
    assert "head (conv2d gemv)" in labels
    assert len(labels) == len(profile.rows)


def test_a_missing_matplotlib_is_named(block, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'cnnfast\[plot\]'"):
        profiled(block).plot()


@pytest.mark.parametrize("argument", ["repeats", "threads"])
def test_counts_are_positive(block, argument):
    with pytest.raises(ValueError, match=f"{argument} must be a positive integer. Received: 0"):
        profiled(block, **{argument: 0})


def test_no_images_cannot_be_timed(block):
    with pytest.raises(ValueError, match=r"at least one image. Received: .*\(0, "):
        block.profile(np.empty((0, *block.input_shape[1:]), np.float32))


def test_every_step_of_a_network_has_a_layer_and_finite_numbers():
    model = applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), classes=7)
    for row in profiled(model).rows:
        assert row.layer
        rates = (row.gflops, row.own_gflops, row.gbs, row.attained)
        assert all(math.isfinite(rate) for rate in rates)
