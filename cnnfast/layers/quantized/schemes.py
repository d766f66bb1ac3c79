"""A layer's quantized kernel: the weights that files have, and the matrix they stand for.

The names and shapes are those of Keras (keras/src/layers/core/dense.py and einsum_dense.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray, Same, late
from cnnfast.engine.ops import BatchShape, Shape, Value
from cnnfast.layers.quantized import configs, numbers
from cnnfast.layers.quantized.making import Making
from cnnfast.lowering import append, quantized
from cnnfast.symbolic import quantization
from cnnfast.variables import Float32Array, Variable

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer
    from cnnfast.symbolic.dtypes import DTypePolicy

# In the order of files; None is the place of what the layer itself makes.
_BIAS = "bias"
_IN_FILES = {
    "int8": ("kernel", _BIAS, "kernel_scale"),
    "int4": ("kernel", _BIAS, "kernel_scale", "kernel_zero", "g_idx"),
    "gptq": (_BIAS, "kernel", "kernel_scale", "kernel_zero", "g_idx"),
    "awq": (_BIAS, "kernel", "kernel_scale", "kernel_zero", "awq_scales", "g_idx"),
    "float8": (
        *("kernel", _BIAS, "inputs_scale", "inputs_amax_history", "kernel_scale"),
        *("kernel_amax_history", "outputs_grad_scale", "outputs_grad_amax_history"),
    ),
}


class Scheme:
    """How the kernel of a layer is quantized.

    Parameters
    ----------
    name
        Of the layer.
    policy
        Its dtype policy.
    config
        Its `quantization_config`, cleaned.
    apart
        Whether Keras divides the product by the scales of int4 channels, and not the weights.
    """

    def __init__(self, name: str, policy: DTypePolicy, config: Any, apart: bool) -> None:
        self.layer_name = name
        self.policy = quantization.parse(policy.name)
        self.mode = self.policy.mode
        read = configs.read(config, self.policy)
        self.inputs, self.group_size = read.inputs, read.group_size
        self._history = policy.amax_history_length
        self._zero_name = "kernel_zero" if apart else "zero_point"
        self._apart = self.mode == "int8" or (
            apart and self.mode == "int4" and self.group_size is None
        )
        self._shape: Shape = ()
        self._columns = 0
        self.variables: dict[str, Variable] = {}

    @property
    def fuses(self) -> bool:
        """Whether the product is that of a float kernel, with nothing between it and the bias."""
        return self.inputs is None and not self._apart

    # --- weights --------------------------------------------------------------------------

    def make(
        self,
        layer: Layer,
        shape: BatchShape,
        summed: Sequence[int],
        scale_shape: BatchShape,
        path: str,
        **kernel: Any,
    ) -> None:
        """Make the weights but the bias.

        Parameters
        ----------
        shape
            Of the kernel that they stand for.
        summed
            Its axes that the product sums.
        scale_shape
            Of the scales of an int8 kernel.
        kernel
            How a float kernel begins.
        """
        shape, scale_shape = _known(shape), _known(scale_shape)
        self._shape = shape
        rows = math.prod(size for axis, size in enumerate(shape) if axis in summed)
        if self.mode in ("gptq", "awq"):
            rows = self._rows(shape)
        columns = self._columns = math.prod(shape) // max(rows, 1)
        groups = 1 if self.group_size is None else -(-rows // self.group_size)
        making = Making(layer, path, self.variables)
        if self.mode == "int8":
            making.integers("kernel", shape, "int8")
            making.floats("kernel_scale", scale_shape, "ones")
        elif self.mode == "int4":
            size = self.group_size
            making.integers("kernel", (rows, (columns + 1) // 2), "int8")
            making.floats("kernel_scale", (columns,) if size is None else (groups, columns), "ones")
            if size is not None:
                making.integers("kernel_zero", (groups, columns), "int8")
                making.indices("g_idx", rows, size)
        elif self.mode == "float8":
            making.histories(self._history)
            made = layer.add_weight(name="kernel", shape=shape, path=path, **kernel)
            self.variables["kernel"] = made
        else:
            packed = (columns + 1) // 2 if self.policy.weight_bits == 4 else columns
            making.integers("kernel", (packed, rows), "uint8")
            making.floats("kernel_scale", (columns, groups), "ones")
            making.integers("kernel_zero", (columns, groups), "uint8", self._zero_name)
            if self.mode == "awq":
                making.floats("awq_scales", (rows,), "ones")
            making.floats("g_idx", (rows,), "zeros")

    def _rows(self, shape: Shape) -> int:
        """Return how many rows GPTQ and AWQ have in a kernel: Keras goes by its largest axis."""
        if len(shape) == 2 or (len(shape) == 3 and shape.index(max(shape)) == 0):
            return shape[0]
        if len(shape) == 3:
            return shape[0] * shape[1]
        raise ValueError(
            f"{self.mode} quantization only supports 2D or 3D kernels. Received: shape {shape}"
        )

    def in_files(self, bias: Variable | None) -> list[Variable]:
        """Return the weights in the order of files."""
        by_name = self.variables | ({} if bias is None else {_BIAS: bias})
        return [by_name[name] for name in _IN_FILES[self.mode] if name in by_name]

    # --- numbers --------------------------------------------------------------------------

    def kernel(self) -> LateArray:
        """Return what inputs are multiplied with, as it is now, of the shape of the kernel."""
        if self.mode == "int8":
            return late(self.variables["kernel"])
        held = {name: variable.numbers() for name, variable in self.variables.items()}
        own = {name: n if isinstance(n, np.ndarray) else n.read for name, n in held.items()}
        key = ("quantized", self.policy, self.group_size, self._apart, self._shape)
        used = [Same(n) for name, n in held.items() if "amax" not in name and "_grad" not in name]

        def make() -> Float32Array:
            read = {name: n() if callable(n) else n for name, n in own.items()}
            made = self._dequantized(_as_stored(self.variables, read))
            return np.ascontiguousarray(made, np.float32).reshape(self._shape)

        if "g_idx" in held:
            self._groups()
        return LateArray(self._shape, make, None, (*key, *used))

    def _groups(self) -> Any:
        """Return the number of the group of each row, checked."""
        scale = self.variables["kernel_scale"]
        groups = scale.shape[0 if self.mode == "int4" else 1]
        try:
            return numbers.group_numbers(self.variables["g_idx"].numpy(), groups)
        except ValueError as error:
            raise ValueError(f"Layer '{self.layer_name}': {error}") from None

    def _dequantized(self, read: dict[str, Any]) -> Float32Array:
        kernel = read["kernel"]
        if self.mode == "float8":
            return numbers.through_float8(kernel, read["kernel_scale"])
        scale = read["kernel_scale"]
        if self.mode == "int4":
            whole = numbers.unpack_int4(kernel, self._columns, -1)
            if self.group_size is not None:
                group = numbers.group_numbers(read["g_idx"], len(scale))
                return numbers.dequantize(whole, scale[group], read["kernel_zero"][group])
            if self._apart:
                return whole.astype(np.float32)
            with np.errstate(all="ignore"):
                made: Float32Array = whole.astype(np.float32) / scale
            return made
        whole = kernel
        if self.policy.weight_bits == 4:
            whole = numbers.unpack_int4(kernel, self._columns, 0)
        group = numbers.group_numbers(read["g_idx"], scale.shape[1])
        made = numbers.dequantize(whole, scale[:, group], read["kernel_zero"][:, group]).T
        if self.mode == "awq":
            with np.errstate(all="ignore"):
                made = made / read["awq_scales"][:, None]
        return made

    def shown(self) -> Any:
        """Return what Keras calls the kernel: a weight, or the integers that stand packed in it."""
        kernel = self.variables["kernel"]
        if self.mode == "int4":
            return numbers.unpack_int4(kernel.numpy(), self._columns, -1)
        if self.mode in ("gptq", "awq") and self.policy.weight_bits == 4:
            return numbers.unpack_int4(kernel.numpy(), self._columns, 0)
        return kernel

    def with_bias(self, graph: Graph, y: Value, bias: Float32Array | None) -> Value:
        """Return a product that does not fuse with the bias added along the last axis."""
        return y if bias is None else append.scale_and_shift(graph, y, 1.0, bias)

    def bias(self, bias: Float32Array | None) -> Float32Array | None:
        """Return the bias as Keras adds it."""
        return bias if bias is None or self.mode != "float8" else numbers.to_bfloat16(bias)

    # --- products -------------------------------------------------------------------------

    def entered(self, graph: Graph, x: Value) -> Value:
        """Return `x` as it goes into a product that `fuses`."""
        if self.mode != "float8":
            return x
        scale = self.variables["inputs_scale"].numpy()
        return quantized.by_numpy(
            graph, x, lambda array: numbers.through_float8(array, scale), self.layer_name
        )

    def product(
        self,
        graph: Graph,
        x: Value,
        axes: Sequence[int],
        multiply: Callable[[Value, LateArray], Value],
        aligned: Callable[[Value], Value] = lambda scale: scale,
        joined: bool = False,
    ) -> Value:
        """Return a product that does not fuse, without the bias; see `lowering.quantized`.

        `joined` says that the columns of the product stand along one axis.
        """
        kernel = self.kernel()
        divisor = self.variables["kernel_scale"].numpy() if self._apart else None
        if divisor is not None and joined:
            divisor = divisor.reshape(-1)
        return quantized.product(
            graph, x, axes, self.inputs, divisor, lambda q: multiply(q, kernel), aligned
        )


def _known(shape: BatchShape) -> Shape:
    known = tuple(size for size in shape if size is not None)
    if len(known) != len(shape):
        raise ValueError(
            "Shapes used to initialize variables must be fully-defined (no `None` dimensions). "
            f"Received: shape={shape}"
        )
    return known


def _as_stored(variables: dict[str, Variable], read: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers in the dtypes that the weights have."""
    return {name: np.asarray(n).astype(variables[name].dtype) for name, n in read.items()}
