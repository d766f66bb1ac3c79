"""How the weights of quantized layers are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.initializers import Initializer
from cnnfast.layers.quantized.variables import IntegerVariable

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array, Shape
    from cnnfast.layers.base.layer import Layer
    from cnnfast.variables import Variable


class Making:
    """Makes weights of a layer: its attributes, and among `made`, by their names.

    Parameters
    ----------
    layer
        Whose they are.
    path
        Its own.
    made
        Where they go.
    """

    def __init__(self, layer: Layer, path: str, made: dict[str, Variable]) -> None:
        self._layer, self._path, self._made = layer, path, made

    def integers(self, name: str, shape: Shape, dtype: str, other: str | None = None) -> None:
        """Make one of ``"int8"`` or ``"uint8"``, which may itself go by another name."""
        own = other or name
        variable = IntegerVariable(shape, dtype, name=own, path=f"{self._path}/{own}")
        self._layer._non_trainable_variables.append(variable)
        self._keep(name, variable)

    def floats(self, name: str, shape: Shape, initializer: Any, trainable: bool = False) -> None:
        """Make one of float32."""
        variable = self._layer.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            trainable=trainable,
            path=self._path,
        )
        self._keep(name, variable)

    def _keep(self, name: str, variable: Variable) -> None:
        self._made[name] = variable
        if not hasattr(type(self._layer), name):
            setattr(self._layer, name, variable)

    def indices(self, name: str, count: int, size: int) -> None:
        """Make the numbers of the groups that `count` rows are in, of `size` rows each."""
        self.floats(name, (count,), _Groups(size))

    def histories(self, length: int) -> None:
        """Make what training under float8 keeps: scales, and maxima of `length` steps."""
        for name in ("inputs", "kernel", "outputs_grad"):
            self.floats(f"{name}_scale", (), "ones", trainable=True)
            self.floats(f"{name}_amax_history", (length,), "zeros", trainable=True)


class _Groups(Initializer):
    """The numbers of groups of so many rows, which take no memory before they are asked for."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        return np.arange(shape[0], dtype=np.float32) // np.float32(self._size)
