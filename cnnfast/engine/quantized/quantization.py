"""What makes a network one of 8 bits: the ranges of its values, and what stays float32."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Op
from cnnfast.engine.passes import optimize
from cnnfast.engine.quantized.equalization import Equalized
from cnnfast.engine.quantized.names import names_of
from cnnfast.engine.quantized.prepare import prepared
from cnnfast.engine.quantized.rewrite import measured_values, rewrite
from cnnfast.engine.quantized.scheme import Range
from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.utils.records import record

_FORMAT = 1
# Of factors, as far as float32 scales go.
_SMALLEST, _LARGEST = 2.0**-60, 2.0**60


@record(frozen=True)
class Quantization:
    """How a network is computed in 8 bits.

    Attributes
    ----------
    ranges
        By the name of a value, the numbers that it was seen to have, or those of them that count.
    kept
        Names of layers that stay float32.
    method
        How the ranges were chosen from what was seen.
    images
        How many were seen.
    weights
        The SHA-256 of the weights that it was made for.
    equalized
        By the name of a value, factors of its channels.
    """

    ranges: Mapping[str, Range]
    kept: tuple[str, ...]
    method: str
    images: int
    weights: str
    equalized: Mapping[str, Equalized] = field(default_factory=dict)

    def applied(self, graph: Graph) -> Graph:
        """Return `graph`, as layers lower to it, in 8 bits and after all passes.

        Raises
        ------
        UnsupportedError
            If it is not the graph that was measured.
        """
        graph = prepared(graph)
        names = names_of(graph)
        measured = {names[value] for value in measured_values(graph)}
        if measured != set(self.ranges):
            odd = sorted(measured ^ set(self.ranges))
            raise UnsupportedError(
                "A network in 8 bits runs as it was measured: here it is computed in other steps, "
                f"for images of another size. Received: {len(odd)} values with no or another "
                f"counterpart, such as {odd[0]!r}",
                advice="Quantize it with images of this size, too, or run it in float32.",
            )
        return optimize(rewrite(graph, self.ranges, self.keeps, self.equalized))

    def keeps(self, op: Op) -> bool:
        """Whether an operation stays float32."""
        return any(is_of(name, layer) for name in self.kept for layer in op.layers)

    def get_config(self) -> dict[str, Any]:
        """Return what a file has of this."""
        return {
            "format": _FORMAT,
            "method": self.method,
            "images": self.images,
            "weights_sha256": self.weights,
            "kept": list(self.kept),
            "ranges": {name: list(numbers) for name, numbers in self.ranges.items()},
            "equalized": {
                name: {"range": list(own.numbers), "factors": list(own.factors)}
                for name, own in self.equalized.items()
            },
        }

    @classmethod
    def from_config(cls, config: Any) -> Quantization:
        """Return what a file says, which may say anything.

        Raises
        ------
        ModelFileError
            If it is not what `get_config` returns.
        """
        if not isinstance(config, dict) or config.get("format") != _FORMAT:
            raise ModelFileError(
                f"A quantization is an object of format {_FORMAT}. Received: {config!r:.100}"
            )
        ranges, kept = config.get("ranges"), config.get("kept")
        method, images = config.get("method"), config.get("images")
        weights = config.get("weights_sha256")
        if not (isinstance(ranges, dict) and all(map(_is_range, ranges.values()))):
            raise ModelFileError(
                "The ranges of a quantization are two finite numbers each, the smaller one first. "
                f"Received: {ranges!r:.100}"
            )
        if not (isinstance(kept, list) and all(isinstance(name, str) for name in kept)):
            raise ModelFileError(f"'kept' is a list of names. Received: {kept!r:.100}")
        if not (isinstance(method, str) and isinstance(weights, str) and type(images) is int):
            raise ModelFileError(
                "A quantization has a method, a number of images, and the SHA-256 of the weights. "
                f"Received: {method!r:.40}, {images!r:.40}, {weights!r:.80}"
            )
        equalized = config.get("equalized")
        if not (isinstance(equalized, dict) and all(map(_is_equalized, equalized.values()))):
            raise ModelFileError(
                "What is equalized has a range, and a positive factor for each channel. Received: "
                f"{equalized!r:.100}"
            )
        pairs = {name: _pair(numbers) for name, numbers in ranges.items()}
        own = {
            name: Equalized(_pair(one["range"]), tuple(map(float, one["factors"])))
            for name, one in equalized.items()
        }
        return cls(pairs, tuple(kept), method, images, weights, own)


def is_of(name: str, layer: str) -> bool:
    """Whether `layer`, as an operation has it, is the one of this name, or inside of it."""
    return layer == name or layer.startswith(f"{name}/")


def _pair(numbers: list[float]) -> Range:
    low, high = map(float, numbers)
    return low, high


def _is_range(pair: Any) -> bool:
    return _are_finite(pair) and len(pair) == 2 and pair[0] <= pair[1]


def _is_equalized(item: Any) -> bool:
    if not isinstance(item, dict) or not _is_range(item.get("range")):
        return False
    factors = item.get("factors", [])
    return _are_finite(factors) and all(_SMALLEST < number < _LARGEST for number in factors)


def _are_finite(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(
        type(number) in (int, float) and math.isfinite(number) for number in numbers
    )
