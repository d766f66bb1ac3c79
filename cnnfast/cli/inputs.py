"""Random input for the commands that run a model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.cli.arguments import UsageError, positive_int

if TYPE_CHECKING:
    from cnnfast.models import Model

_SIZE = 64


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file, and what the random input to its model is drawn from."""
    parser.add_argument("file", help="a .keras file or directory, or an .h5 file")
    parser.add_argument("--seed", type=int, default=0, help="of the random input")
    parser.add_argument(
        "--size",
        type=positive_int,
        help=f"of the axes that the model leaves open; default: {_SIZE}",
    )


def random_inputs(model: Model, seed: int, batch: int, size: int | None) -> Any:
    """Draw an input of the model: integers 0 to 255 or numbers around 0, as its dtype has it.

    Raises
    ------
    UsageError
        If there is a `size`, and no axis that the model leaves open.
    """
    from cnnfast.utils import tree

    shapes: list[Any] = []
    tree.map_shapes(shapes.append, model.input_shape)
    if size is not None and not any(None in shape[1:] for shape in shapes):
        raise UsageError(
            "--size is for the axes that the model leaves open, and this one leaves none. "
            f"Received: --size {size} for inputs of shape {', '.join(map(str, shapes))}"
        )
    open_size = _SIZE if size is None else size
    rng = np.random.default_rng(seed)

    def draw(shape: Any, dtype: str) -> Any:
        sizes = (batch, *(open_size if n is None else n for n in shape[1:]))
        if dtype.startswith(("int", "uint")):
            return rng.integers(0, 256 if dtype != "int8" else 128, sizes).astype(dtype)
        return rng.standard_normal(sizes).astype(np.float32)

    symbols = getattr(model, "inputs", None)
    if not symbols:
        return draw(model.input_shape, "float32")
    return tree.pack(model.input, [draw(tensor.shape, tensor.dtype) for tensor in symbols])
