"""The steps that products with quantized weights become."""

from __future__ import annotations

from cnnfast import layers
from cnnfast.engine import executor
from cnnfast.models import Sequential


def steps(dtype: str) -> list[str]:
    layer = layers.Dense(5, activation="relu", dtype=dtype)
    model = Sequential([layers.Input((3, 4)), layer])
    return [type(op).__name__ for op in executor.lower(model, [(3, 4)]).ops]


def test_weights_alone_cost_no_step_more_than_floats() -> None:
    floats = steps("float32")
    assert floats.count("Conv2D") == 1
    for dtype in ("int4/2_from_float32", "gptq/4/2_from_float32", "awq/4/-1_from_float32"):
        assert steps(dtype) == floats


def test_quantized_inputs_are_scaled_by_their_row_and_products_by_both_scales() -> None:
    made = steps("int8_from_float32")
    assert made.count("Conv2D") == made.count("Reduce") == 1
    # The largest of a row and the scale of it; the row times that; both scales; by both.
    assert made.count("Binary") == 4
    assert made.index("Reduce") < made.index("Conv2D") < len(made) - made[::-1].index("Binary")
