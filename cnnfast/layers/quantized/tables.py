"""The quantized table of an embedding: each row has scales of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.layers.quantized import configs, numbers
from cnnfast.layers.quantized.making import Making
from cnnfast.symbolic import quantization
from cnnfast.variables import Float32Array, Variable

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.layers.base.layer import Layer
    from cnnfast.symbolic.dtypes import DTypePolicy

_IN_FILES = ("embeddings", "embeddings_scale", "embeddings_zero", "g_idx")


class Table:
    """What an embedding of int8 or int4 keeps, and its rows.

    Parameters
    ----------
    name
        Of the layer.
    policy
        Its dtype policy.
    config
        Its `quantization_config`, cleaned.
    """

    def __init__(self, name: str, policy: DTypePolicy, config: Any) -> None:
        self._layer_name = name
        self._policy = quantization.parse(policy.name)
        self._group_size = configs.read(config, self._policy).group_size
        self._columns = 0
        self.variables: dict[str, Variable] = {}

    def make(self, layer: Layer, rows: int, columns: int, path: str) -> None:
        """Make the weights of a table of this size."""
        making = Making(layer, path, self.variables)
        self._columns = columns
        if self._policy.mode == "int8":
            making.integers("embeddings", (rows, columns), "int8")
            making.floats("embeddings_scale", (rows,), "ones")
            return
        making.integers("embeddings", (rows, (columns + 1) // 2), "int8")
        if self._group_size is None:
            making.floats("embeddings_scale", (rows,), "ones")
            return
        groups = -(-columns // self._group_size)
        making.floats("embeddings_scale", (rows, groups), "ones")
        making.integers("embeddings_zero", (rows, groups), "int8")
        making.indices("g_idx", columns, self._group_size)

    def in_files(self) -> list[Variable]:
        """Return the weights in the order of files."""
        return [self.variables[name] for name in _IN_FILES if name in self.variables]

    def shown(self) -> Any:
        """Return what Keras calls the embeddings: a weight, or the integers packed in it."""
        table = self.variables["embeddings"]
        return table if self._policy.mode == "int8" else self._unpacked(table.numpy())

    def rows(self) -> Callable[[npt.NDArray[np.int32]], Float32Array]:
        """Return what gives the rows of some numbers, as the weights are now."""
        held = {name: variable.numpy() for name, variable in self.variables.items()}
        table, scale = held["embeddings"], held["embeddings_scale"]
        unpacked = self._unpacked if self._policy.mode == "int4" else lambda whole: whole
        if "g_idx" not in held:

            def divided(indices: npt.NDArray[np.int32]) -> Float32Array:
                with np.errstate(all="ignore"):
                    whole = unpacked(table[indices]).astype(np.float32)
                    made: Float32Array = whole / scale[indices][..., None]
                return made

            return divided
        try:
            group = numbers.group_numbers(held["g_idx"], scale.shape[1])
        except ValueError as error:
            raise ValueError(f"Layer '{self._layer_name}': {error}") from None
        zero = held["embeddings_zero"]

        def multiplied(indices: npt.NDArray[np.int32]) -> Float32Array:
            whole = unpacked(table[indices])
            return numbers.dequantize(whole, scale[indices][..., group], zero[indices][..., group])

        return multiplied

    def _unpacked(self, packed: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return numbers.unpack_int4(packed, self._columns, -1)
