"""`Model.memory_report`: figures that agree with what the process really holds."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.models import Model, Sequential, load_model

# Adds up what the process holds in private memory, before and after a plan is built.
WATCHED = """
import re
import numpy as np
from cnnfast import layers
from cnnfast.models import Sequential

def held():
    text = open("/proc/self/status").read()
    return 1024 * int(re.search(r"RssAnon:\\s+(\\d+)", text).group(1))

model = Sequential([layers.Input((4096,)), layers.Dense(4096), layers.Dense(4096)])
for number, variable in enumerate(model.weights):
    variable.assign(np.full(variable.shape, number, np.float32))
before = held()
report = model.memory_report()
print(held() - before, report.plans[0].packed_bytes, report.variable_bytes)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_packed_bytes_are_what_the_process_grows_by():
    done = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, check=True
    )
    grown, packed, variables = map(int, done.stdout.split())
    assert variables == 2 * (4096 * 4096 + 4096) * 4
    assert packed == variables
    assert grown == pytest.approx(packed, rel=0.05)


def conv_model(size: int | None = 12) -> Sequential:
    return Sequential([layers.Input((size, size, 3)), layers.Conv2D(8, 3), layers.ReLU()])


def pooled_model(size: int) -> Sequential:
    """Keeps an image of `size` between two steps."""
    image = layers.Input((size, size, 3))
    return Sequential([image, layers.AveragePooling2D(1), layers.MaxPooling2D(1)])


def test_a_run_leaves_the_workspace_that_the_report_foretold():
    model = Sequential([layers.Input((12, 12, 3)), layers.Conv2D(8, 3), layers.AveragePooling2D()])
    model.release_memory()
    before = model.memory_report(1, threads=1)
    assert (before.plans[0].input_shapes, before.idle_bytes) == (((12, 12, 3),), 0)
    model.predict_on_batch(np.ones((1, 12, 12, 3), np.float32), threads=1)
    after = model.memory_report(1, threads=1)
    assert after.idle_bytes == before.plans[0].workspace_bytes > 0


def test_idle_workspaces_are_the_process_and_no_part_of_a_model():
    small, large = pooled_model(12), pooled_model(60)
    small.release_memory()
    large.predict_on_batch(np.ones((1, 60, 60, 3), np.float32))
    reports = [model.memory_report() for model in (small, large)]
    assert reports[0].idle_bytes == reports[1].idle_bytes > 0
    for report in reports:
        assert report.held_bytes == report.variable_bytes + report.packed_bytes


def test_parts_between_numpy_functions_take_the_workspace_of_the_largest():
    image = layers.Input((40, 40, 3))
    whole = layers.Lambda(lambda x: 2 * x, output_shape=(40, 40, 3))(pooled_model(40)(image))
    small = layers.Lambda(lambda x: x[:, :20, :20], output_shape=(20, 20, 3))(whole)
    model = Model(image, pooled_model(20)(small))
    parts = [pooled_model(size).memory_report().plans[0].workspace_bytes for size in (40, 20)]
    assert model.memory_report().plans[0].workspace_bytes == parts[0] > parts[1] > 0


def test_a_larger_batch_takes_a_larger_workspace_where_images_run_together():
    model = Sequential([layers.Input((512,)), layers.Dense(512), layers.Dense(512)])
    one, many = (model.memory_report(n, threads=1).plans[0] for n in (1, 8))
    assert many.workspace_bytes - one.workspace_bytes == 7 * 512 * 4


def test_constants_are_counted():
    def held(rows: int) -> int:
        x = layers.Input((rows, 6))
        model = Model(x, x * np.ones((rows, 6), np.float32))
        return model.memory_report().plans[0].constant_bytes

    assert held(50) - held(5) == 45 * 6 * 4


def test_each_shape_of_image_has_a_plan():
    model = conv_model(None)
    assert model.memory_report().plans == ()
    for size in (8, 9):
        model.predict_on_batch(np.ones((1, size, size, 3), np.float32))
    shapes = [plan.input_shapes for plan in model.memory_report().plans]
    assert shapes == [((8, 8, 3),), ((9, 9, 3),)]


def test_weights_that_plans_share_count_once():
    model = conv_model(None)
    reports = []
    for size in (8, 10):
        model.predict_on_batch(np.ones((1, size, size, 3), np.float32))
        reports.append(model.memory_report())
    one, two = reports
    assert two.plans[0].packed_bytes == two.plans[1].packed_bytes == one.packed_bytes
    kernel = model.weights[0].numpy()
    assert one.packed_bytes <= two.packed_bytes <= 2 * one.packed_bytes - kernel.nbytes
    assert two.held_bytes == two.variable_bytes + two.packed_bytes


def test_variables_are_deferred_then_in_memory():
    model = conv_model(None)
    count = 4 * (3 * 3 * 3 * 8 + 8)
    report = model.memory_report()
    assert (report.deferred_bytes, report.variable_bytes, report.held_bytes) == (count, 0, 0)
    model.predict_on_batch(np.ones((1, 8, 8, 3), np.float32))
    report = model.memory_report()
    assert (report.deferred_bytes, report.variable_bytes) == (0, count)
    assert report.held_bytes == count + report.plans[0].packed_bytes


def test_variables_of_a_file_stay_there_until_they_are_assigned(tmp_path):
    pytest.importorskip("h5py")
    conv_model().save(tmp_path / "net.keras")
    model = load_model(tmp_path / "net.keras")
    count = 4 * (3 * 3 * 3 * 8 + 8)
    assert model.memory_report().file_bytes == count
    model.weights[1].assign(np.zeros(8))
    report = model.memory_report()
    assert (report.variable_bytes, report.file_bytes) == (32, count - 32)


def test_plans_of_outdated_weights_are_not_counted():
    model = conv_model(None)
    model.predict_on_batch(np.ones((1, 8, 8, 3), np.float32))
    model.weights[1].assign(np.zeros(8))
    assert model.memory_report().plans == ()


def test_the_report_is_plain_data_and_a_table():
    report = conv_model().memory_report(2, threads=1)
    data = json.loads(json.dumps(report.to_dict()))
    assert data["plans"][0]["packed_bytes"] == report.plans[0].packed_bytes
    assert data["held_bytes"] == report.held_bytes
    labels = list(report.table().columns[0].cells)
    assert "  workspace of a run (batch 2, 1 thread)" in labels


def test_counts_are_positive():
    with pytest.raises(ValueError, match="batch must be a positive integer"):
        conv_model().memory_report(0)
