"""Factors of channels, from what was seen of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Float32Array, Value
from cnnfast.engine.program import build
from cnnfast.engine.quantized.equalization import Equalized, equalizable
from cnnfast.engine.quantized.names import names_of
from cnnfast.engine.quantized.quantization import Quantization
from cnnfast.engine.quantized.rewrite import chosen
from cnnfast.quantization.histogram import Histogram
from cnnfast.quantization.measuring import prepared_for
from cnnfast.quantization.ranges import ranges_of
from cnnfast.utils.system.threads import get_num_threads

if TYPE_CHECKING:
    from cnnfast.models.model import Model

POWERS = (0.5, 1.0)
"""Of a channel's largest number: how much of the differences the factors take away."""

_SMALLEST = 1 / 64
"""Factor, of the largest one: weights have so many fewer integers."""


def equalized(
    model: Model,
    quantizations: Sequence[Quantization],
    seen: Mapping[str, Histogram],
    percentile: float,
    images: Sequence[Float32Array],
    threads: int | None,
) -> Iterator[tuple[Quantization, dict[str, Equalized]]]:
    """Yield each of `quantizations` with factors of all `POWERS`, and their ranges on `images`.

    They differ in nothing but how ranges are chosen. None where no value can have factors.
    """
    graph = prepared_for(model, [array.shape[1:] for array in images])
    names = names_of(graph)
    values = equalizable(graph, chosen(graph, quantizations[0].keeps))
    for power in POWERS if values else ():
        factors = {value: factors_of(seen[names[value]].largest, power) for value in values}
        histograms = _seen_over(graph, factors, images, threads)
        named = {names[value]: histogram for value, histogram in histograms.items()}
        for one in quantizations:
            ranges = ranges_of(named, one.method, percentile)
            yield (
                one,
                {
                    names[value]: Equalized(ranges[names[value]], tuple(map(float, own)))
                    for value, own in factors.items()
                },
            )


def factors_of(largest: Float32Array | None, power: float) -> Float32Array:
    """Return a factor for each channel, of which that is the largest absolute number."""
    assert largest is not None
    size = float(largest.max()) or 1.0
    shares: Float32Array = np.power(largest / np.float32(size), np.float32(power))
    return np.maximum(shares, np.float32(_SMALLEST))


def _seen_over(
    graph: Graph,
    factors: Mapping[Value, Float32Array],
    images: Sequence[Float32Array],
    threads: int | None,
) -> dict[Value, Histogram]:
    """Return what is seen of values over their factors, one image after the other."""
    plan = build(Graph(graph.inputs, graph.ops, list(factors)))
    found = {value: Histogram() for value in factors}
    for image in range(len(images[0])):
        one = [np.ascontiguousarray(array[image : image + 1]) for array in images]
        outputs = [np.empty((1, *value.shape), np.float32) for value in factors]
        plan.run(one, outputs, get_num_threads() if threads is None else threads, True)
        for (value, own), numbers in zip(factors.items(), outputs, strict=True):
            found[value].add(numbers / own)
    return found
