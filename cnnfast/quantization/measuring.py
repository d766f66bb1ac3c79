"""A network in float32 that shows the values between its operations, on a user's images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnnfast._core import release_idle_workspaces
from cnnfast.engine.executor import draw
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Float32Array, Shape
from cnnfast.engine.program import build
from cnnfast.engine.quantized.names import names_of
from cnnfast.engine.quantized.prepare import prepared
from cnnfast.engine.quantized.rewrite import measured_values
from cnnfast.engine.quantized.scheme import Range, joined
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.calling import InPhase
from cnnfast.quantization.histogram import Histogram
from cnnfast.utils.system.threads import get_num_threads

if TYPE_CHECKING:
    from cnnfast.models.model import Model

SAMPLE = 32
MOST_BYTES = 256 * 2**20
"""Of the values of some images, which are in memory together."""


def prepared_for(model: Model, shapes: Sequence[Shape]) -> Graph:
    """Return the graph of `model`, as it is quantized, for images of `shapes`, one per input.

    Raises
    ------
    UnsupportedError
        If the model cannot be computed in 8 bits.
    """
    try:
        return prepared(draw(InPhase(model, False), shapes))
    except UnsupportedError as error:
        raise error.about(model.name, type(model).__name__) from error


class Measuring:
    """What is seen of each value that may be in 8 bits.

    Attributes
    ----------
    images
        How many were seen.
    sample
        The first of them, at most `SAMPLE`: one array per input.
    """

    def __init__(self, model: Model) -> None:
        self.images = 0
        self.sample: list[Float32Array] = []
        self._model = model
        self._seen: dict[str, Histogram] = {}
        self._shapes: tuple[Shape, ...] | None = None
        self._extremes: list[Range] = []

    def add(self, batch: Sequence[Float32Array], threads: int | None = None) -> None:
        """Run the network on a batch, one array per input.

        Raises
        ------
        ValueError
            If a number is not finite.
        """
        if not all(np.isfinite(array).all() for array in batch):
            raise ValueError("Images must be finite. Received: NaN or infinity among them")
        shapes = tuple(array.shape[1:] for array in batch)
        if shapes != self._shapes:
            self._plan(shapes)
        for first in range(0, len(batch[0]), self._together):
            some = [np.ascontiguousarray(a[first : first + self._together]) for a in batch]
            self._run(some, get_num_threads() if threads is None else threads)
        self.images += len(batch[0])
        self._remember(batch)

    def _remember(self, batch: Sequence[Float32Array]) -> None:
        extremes = [(float(array.min()), float(array.max())) for array in batch]
        self._extremes = [
            joined(pair) for pair in zip(extremes, self._extremes or extremes, strict=True)
        ]
        if not self.sample:
            self.sample = [array[:SAMPLE].copy() for array in batch]
        elif len(self.sample[0]) < SAMPLE and self.sample[0].shape[1:] == batch[0].shape[1:]:
            more = SAMPLE - len(self.sample[0])
            pairs = zip(self.sample, batch, strict=True)
            self.sample = [np.concatenate([old, new[:more]]) for old, new in pairs]

    def seen(self) -> dict[str, Histogram]:
        """Return the histogram of each value, by its name.

        Raises
        ------
        ValueError
            If the images say nothing of those that a network meets.
        """
        release_idle_workspaces()
        if not self.images:
            raise ValueError("A network is quantized on images, at least one. Received: none")
        for low, high in self._extremes:
            if low == high:
                raise ValueError(
                    "A network is quantized on images like those that it will see. Received: "
                    f"{self.images} images in which every number is {low:g}"
                )
        return self._seen

    def _plan(self, shapes: tuple[Shape, ...]) -> None:
        graph = prepared_for(self._model, shapes)
        values = measured_values(graph)
        if not values:
            raise self._model.unsupported(
                "has no layer that 8 bits are for: convolutions and dense layers. Received: none "
                "of them"
            )
        names = names_of(graph)
        self._names = [names[value] for value in values]
        if self._seen and set(self._names) != set(self._seen):
            raise self._model.unsupported(
                "is computed in other steps for images of other sizes, and so is quantized for "
                f"one size. Received: images of {self._shapes} and {shapes}"
            )
        shown = [*values, *graph.outputs]
        self._plans = build(Graph(graph.inputs, graph.ops, shown))
        self._sizes = [value.shape for value in shown]
        numbers = sum(math.prod(shape) for shape in self._sizes)
        self._together = max(1, MOST_BYTES // (4 * numbers))
        self._shapes = shapes

    def _run(self, batch: list[Float32Array], threads: int) -> None:
        outputs = [np.empty((len(batch[0]), *shape), np.float32) for shape in self._sizes]
        self._plans.run(batch, outputs, threads, True)
        for name, numbers in zip(self._names, outputs, strict=False):
            histogram = self._seen.setdefault(name, Histogram())
            histogram.add(_finite(name, numbers))
        for numbers in outputs[len(self._names) :]:
            _finite("the outputs", numbers)


def _finite(name: str, numbers: Float32Array) -> Float32Array:
    if not np.isfinite(numbers).all():
        what = "NaN" if np.isnan(numbers).any() else "infinity"
        raise ValueError(
            "A network is quantized on images for which all its values are finite. Received: "
            f"{what} in {name}"
        )
    return numbers
