"""Models in 8 bits: what they were made for, and that it is still so."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.layers.base.layer import Layer
from cnnfast.models.precision import Adjustable

if TYPE_CHECKING:
    from typing import Self

    from cnnfast.engine.graph import Graph
    from cnnfast.engine.quantized.quantization import Quantization


class InEightBits(Adjustable):
    """A network that can be computed in 8 bits, as a whole and with the weights that it had."""

    _quantization: Quantization | None = None
    _quantized_versions: tuple[int, ...] | None = None
    _quantized_layers: str | None = None

    @property
    def quantization(self) -> Quantization | None:
        """How the model is computed in 8 bits; None for one in float32.

        `cnnfast.quantize` makes models that have one. Their weights and layers are those that they
        were quantized with: running them after a change is an error.
        """
        return self._quantization

    def quantized(self, quantization: Quantization | None) -> Self:
        """Return a model of the same layers and weights, computed in 8 bits, or float32 for None.

        Raises
        ------
        ValueError
            If `quantization` was made for other weights.
        """
        twin = copy(self)
        vars(twin).update(
            _quantization=quantization,
            _quantized_versions=None,
            _quantized_layers=None if quantization is None else layers_digest(twin),
        )
        twin.quantized_by()
        return twin

    def quantized_by(self) -> Quantization | None:
        """Return `quantization`, for the weights and layers that there are.

        Raises
        ------
        UnsupportedError
            If they are not those that it was made for.
        """
        if self._quantization is not None:
            versions = self.versions
            if versions != self._quantized_versions:
                self._check_unchanged()
                vars(self)["_quantized_versions"] = versions
        return self._quantization

    def _check_unchanged(self) -> None:
        assert self._quantization is not None
        changed = (
            "weights"
            if weights_digest(self) != self._quantization.weights
            else "layers"
            if layers_digest(self) != self._quantized_layers
            # Then nothing tells what has changed since it ran.
            or (self._quantized_layers is None and self._quantized_versions is not None)
            else ""
        )
        if changed:
            raise self.unsupported(
                "is in 8 bits for the weights and layers that it was quantized with. Received: "
                f"other {changed}",
                advice="Change the model in float32, and quantize it again.",
            )

    def _check_outermost(self, graph: Graph) -> None:
        """Refuse to become part of another network, which would compute this one in float32."""
        if self._quantization is not None and graph.quantized_by is not self._quantization:
            raise self.unsupported(
                "is in 8 bits, which holds for a whole network. Received: a model inside another "
                "one",
                advice="Make the network of the model in float32, and quantize that.",
            )

    def __getstate__(self) -> dict[str, Any]:
        # Versions count within a process.
        return super().__getstate__() | (
            {} if self._quantization is None else {"_quantized_versions": None}
        )


def weights_digest(model: Layer) -> str:
    """Return the SHA-256 of all weights, their shapes included."""
    import hashlib

    digest = hashlib.sha256()
    for variable in model.weights:
        array = np.ascontiguousarray(variable, dtype="<f4")
        digest.update(f"{array.shape};".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def layers_digest(model: Any) -> str | None:
    """Return the SHA-256 of the config; None where it does not tell all that can change.

    That of a user's class says nothing of the layers that it holds.
    """
    import hashlib

    if any(layer.is_users for layer in model._flatten_layers()):
        return None
    try:
        text: str = model.to_json(sort_keys=True)
    except (NotImplementedError, TypeError, ValueError):
        return None
    return hashlib.sha256(text.encode()).hexdigest()
