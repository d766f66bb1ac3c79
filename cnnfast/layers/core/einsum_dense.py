"""Products with a kernel of any rank, written as an einsum."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import activations, constraints, initializers, regularizers
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import late
from cnnfast.engine.ops import BatchShape, Float32Array, Shape, Value
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base import weight_options
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments, dtypes
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.utils.records import record
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ActivationLike,
        ConstraintLike,
        InitializerLike,
        LayerOptions,
        OpenShape,
        RegularizerLike,
    )

_FORM = r"(\.\.\.)?([a-zA-Z]+),([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)"


@record(frozen=True)
class _Equation:
    """``abc,cde->abde`` as letters: `kept` is ab, `summed` c, `made` de, `kernel` cde."""

    kept: str
    summed: str
    made: str
    kernel: str
    elided: bool

    @property
    def order(self) -> tuple[int, ...]:
        """The axes of the kernel that make it a matrix of summed by made ones."""
        return tuple(self.kernel.index(letter) for letter in self.summed + self.made)


def _parsed(equation: object) -> _Equation:
    found = re.fullmatch(_FORM, equation) if isinstance(equation, str) else None
    if found is not None and found[1] == found[4]:
        inputs, kernel, outputs = found[2], found[3], found[5]
        summed = "".join(c for c in inputs if c not in outputs)
        made = "".join(c for c in outputs if c not in inputs)
        kept = inputs[: len(inputs) - len(summed)]
        fits = inputs == kept + summed and outputs == kept + made and summed and made
        if fits and sorted(kernel) == sorted(set(summed + made)) and (kept or found[1]):
            return _Equation(kept, summed, made, kernel, bool(found[1]))
    raise UnsupportedError(
        "An EinsumDense must sum over the last axes of its input and put new axes in their place, "
        f"such as 'abc,cde->abde' or '...x,xy->...y'. Received: equation={equation!r}"
    )


class EinsumDense(Layer):
    """``activation(einsum(equation, x, kernel) + bias)``, a product along the last axes.

    Takes (batch, ...) and returns (batch, *output_shape), as the equation says.

    Weights: `kernel`, with the axes that the equation names, and, with `bias_axes`, `bias`.

    Parameters
    ----------
    equation
        Such as ``"abc,cde->abde"``; the first axis, or the ellipsis, is the batch.
    output_shape
        Sizes of the output without the batch and what an ellipsis stands for; None for those of the
        input. An integer is the last one.
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    bias_axes
        Letters of new axes along which the bias differs; None for no bias.
    kernel_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    kernel_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    kernel_constraint, bias_constraint
        Of training; kept for the config.
    quantization_config
        Must be None.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If the equation is of another form, or the bias differs along other axes.

    Examples
    --------
    >>> layer = cnnfast.layers.EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d")
    >>> layer(np.ones((2, 5, 4))).shape
    (2, 5, 3)
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | OpenShape,
        activation: ActivationLike = None,
        bias_axes: str | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        quantization_config: None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        if quantization_config is not None:
            raise self.unsupported(
                "`quantization_config` must be None: weights are float32. "
                f"Received: {quantization_config}",
                advice=dtypes.BEFORE_QUANTIZE,
            )
        self.equation = equation
        self._equation = _parsed(equation)
        sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
        self._given = arguments.shape(sizes)
        self._made = self._new_sizes()
        self.bias_axes = bias_axes
        if not set(bias_axes or "") <= set(self._equation.made):
            raise UnsupportedError(
                f"The bias may differ along the new axes {self._equation.made!r} only. "
                f"Received: bias_axes={bias_axes!r} with equation={equation!r}"
            )
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        # The batch is among the kept axes, or in the ellipsis.
        rank = max(len(self._equation.kept), 1) + len(self._equation.summed)
        self.input_spec = (
            InputSpec(min_ndim=rank) if self._equation.elided else InputSpec(ndim=rank)
        )

    def _new_sizes(self) -> Shape:
        equation = self._equation
        expected = len(equation.kept) - (not equation.elided) + len(equation.made)
        made = self._given[len(self._given) - len(equation.made) :]
        known = tuple(size for size in made if size is not None)
        if len(self._given) != expected or len(known) != len(equation.made):
            raise ValueError(
                f"`output_shape` must have {expected} sizes, and say those of the new axes "
                f"{equation.made!r}. Received: output_shape={self._given} with "
                f"equation={self.equation!r}"
            )
        return known

    @property
    def kernel(self) -> Variable:
        """The kernel; AttributeError if the layer is not built."""
        return self._built_weight(0, "kernel")

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        equation = self._equation
        summed = input_shape[len(input_shape) - len(equation.summed) :]
        sizes = dict(zip(equation.summed + equation.made, (*summed, *self._made), strict=True))
        self.add_weight(
            name="kernel",
            shape=tuple(sizes[letter] for letter in equation.kernel),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            path=path,
        )
        if self.bias_axes:
            first = min(equation.made.index(letter) for letter in self.bias_axes)
            self.bias = self.add_weight(
                name="bias",
                shape=tuple(sizes[c] if c in self.bias_axes else 1 for c in equation.made[first:]),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                path=path,
            )
        axes = {axis - len(summed): size for axis, size in enumerate(summed)}
        self.input_spec = InputSpec(
            ndim=self.input_spec.ndim, min_ndim=self.input_spec.min_ndim, axes=axes
        )

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        kept = input_shape[: len(input_shape) - len(self._equation.summed)]
        given = self._given[: len(self._given) - len(self._made)]
        same = zip(reversed(given), reversed(kept), strict=False)
        if any(own is not None and size is not None and own != size for own, size in same):
            raise ValueError(
                f"Layer '{self.name}': `output_shape` must have the sizes of the input along the "
                f"axes that they share. Received: output_shape={self._given} for input shape "
                f"{input_shape}"
            )
        return (*kept, *self._made)

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        columns = math.prod(self._made)
        rows = math.prod(self.kernel.shape) // max(columns, 1)
        order = self._equation.order
        matrix = late(self.kernel).map(
            lambda kernel: kernel.transpose(order), (rows, columns), ("transposed", *order)
        )
        fused, rest = self.activation.split()
        y = append.product(graph, x, matrix, self._bias_numbers(), shape, fused)
        return rest.lower(graph, y)

    def _bias_numbers(self) -> Float32Array | None:
        if self.bias is None:
            return None
        return np.ascontiguousarray(np.broadcast_to(self.bias.numpy(), self._made)).reshape(-1)

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return arguments.without_lora(config)

    def _config(self) -> dict[str, Any]:
        return {
            "output_shape": self._given,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            **weight_options.config(self, "kernel"),
            **weight_options.config(self, "bias"),
            "quantization_config": None,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
