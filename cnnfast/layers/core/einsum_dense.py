"""Products with a kernel of any rank, written as an einsum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import activations, constraints, initializers, regularizers
from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray
from cnnfast.engine.ops import LINEAR, Activation, BatchShape, Float32Array, Shape, Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.core.dense import WithKernel
from cnnfast.layers.core.einsum_equations import Equation, parse
from cnnfast.lowering import append
from cnnfast.lowering.contraction import contract
from cnnfast.symbolic import arguments
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


@record(frozen=True)
class _Equation:
    """``abc,cde->abde`` as one matrix: `kept` is ab, `summed` c, `made` de, `kernel` cde."""

    kept: str
    summed: str
    made: str
    kernel: str
    elided: bool

    @property
    def order(self) -> tuple[int, ...]:
        """The axes of the kernel that make it a matrix of summed by made ones."""
        return tuple(self.kernel.index(letter) for letter in self.summed + self.made)


def _as_matrix(equation: Equation) -> _Equation | None:
    """Return what is a product along the last axes with one matrix; None for another."""
    inputs, outputs = equation.inputs, equation.outputs
    summed = "".join(c for c in inputs if c not in outputs)
    made = "".join(c for c in outputs if c not in inputs)
    kept = inputs[: len(inputs) - len(summed)]
    fits = inputs == kept + summed and outputs == kept + made and summed and made
    if not fits or equation.after or sorted(equation.kernel) != sorted(summed + made):
        return None
    return _Equation(kept, summed, made, equation.kernel, equation.before)


class EinsumDense(WithKernel):
    """``activation(einsum(equation, x, kernel) + bias)``; the first axis of x is the batch.

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
        Letters of the output along which the bias differs; None for no bias.
    kernel_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    kernel_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    kernel_constraint, bias_constraint
        Of training; kept for the config.
    quantization_config
        Keras' config object of how a quantized layer computes, in files; None for the default.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If the batch takes part in the product or the bias, or an axis stands twice.

    Examples
    --------
    >>> layer = cnnfast.layers.EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d")
    >>> layer(np.ones((2, 5, 4))).shape
    (2, 5, 3)
    """

    _divides_channels = False

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
        quantization_config: Mapping[str, Any] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self._set_scheme(quantization_config)
        self.equation = equation
        self._equation = parse(equation)
        sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
        self._given = arguments.shape(sizes)
        self._check_given()
        self.bias_axes = bias_axes
        self._check_bias()
        self._matrix = _as_matrix(self._equation)
        if self._matrix is not None and not set(bias_axes or "") <= set(self._matrix.made):
            self._matrix = None
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        elided = self._equation.before or self._equation.after
        if elided and self.quantization_mode not in (None, "float8"):
            raise self.unsupported(
                "is quantized by Keras in int8, int4, gptq and awq where its equation has no "
                f"ellipsis. Received: {equation!r}",
                advice="Write a letter for each axis.",
            )
        rank = self._equation.least_rank
        self.input_spec = InputSpec(min_ndim=rank) if elided else InputSpec(ndim=rank)

    def _check_given(self) -> None:
        equation = self._equation
        made = [letter for letter in equation.given if letter not in equation.inputs]
        open_ = [c for c, size in zip(equation.given, self._given, strict=False) if size is None]
        if len(self._given) != len(equation.given) or set(made) & set(open_):
            raise ValueError(
                f"`output_shape` must have {len(equation.given)} sizes, and say those of the new "
                f"axes {''.join(made)!r}. Received: output_shape={self._given} with "
                f"equation={self.equation!r}"
            )

    def _check_bias(self) -> None:
        equation = self._equation
        for letter in self.bias_axes or "":
            if letter not in equation.outputs:
                raise ValueError(
                    f"Bias dimension '{letter}' was requested, but is not part of the output spec "
                    f"'{equation.outputs}'. Received: bias_axes={self.bias_axes!r}"
                )
            if letter not in equation.given:
                raise self.unsupported(
                    "has the same bias for all images. Received: "
                    f"bias_axes={self.bias_axes!r} with equation={self.equation!r}"
                )

    @property
    def kernel(self) -> Any:
        """The kernel, of integers if it is quantized; AttributeError if the layer is not built."""
        return self._built_kernel()

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        equation = self._equation
        sizes = equation.sizes(input_shape, self._given)
        letters, made = equation.axes(len(input_shape))
        shape = tuple(sizes[letter] for letter in equation.kernel)
        self._create_kernel(
            shape,
            [axis for axis, letter in enumerate(equation.kernel) if letter not in made],
            (1, *(sizes[c] if c in equation.kernel else 1 for c in made)),
            path,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.bias_axes:
            first = min(equation.outputs.index(letter) for letter in self.bias_axes)
            elided = (len(input_shape) - len(equation.inputs)) * equation.after
            own = [sizes[c] if c in self.bias_axes else 1 for c in equation.outputs[first:]]
            self.bias = self.add_weight(
                name="bias",
                shape=(*own, *(1,) * elided),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                path=path,
            )
        fixed = set(equation.kernel) | set(self.bias_axes or "")
        axes = {
            axis - len(letters): sizes[letter]
            for axis, letter in enumerate(letters)
            if letter in fixed
        }
        rank = None if self.input_spec.ndim is None and not equation.after else len(input_shape)
        self.input_spec = InputSpec(ndim=rank, min_ndim=self.input_spec.min_ndim, axes=axes)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        sizes = self._equation.sizes(input_shape, self._given)
        _, letters = self._equation.axes(len(input_shape))
        return (input_shape[0], *(sizes[letter] for letter in letters))

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        scheme = self._scheme
        bias = None if self.bias is None else self.bias.numpy()
        if scheme is not None and scheme.fuses:
            x, bias = scheme.entered(graph, x), scheme.bias(bias)
        letters, made = self._equation.axes(len(x.shape) + 1)
        if scheme is not None and not scheme.fuses:
            axes = [axis for axis, letter in enumerate(letters) if letter not in made]
            y = scheme.product(
                graph,
                x,
                axes,
                lambda q, kernel: self._multiplied(graph, q, kernel, shape),
                lambda scale: _aligned(graph, scale, letters, made),
            )
        elif self._matrix is not None:
            fused, rest = self.activation.split()
            kernel = self._kernel_numbers()
            y = self._by_matrix(graph, x, kernel, shape, self._matrix, bias, fused)
            return rest.lower(graph, y)
        else:
            y = self._multiplied(graph, x, self._kernel_numbers(), shape)
        if bias is not None:
            ones = (1,) * (len(made) - bias.ndim)
            added = append.constant(graph, bias.reshape(*ones, *bias.shape))
            y = append.binary(graph, y, added, BinaryKind.ADD)
        return self.activation.lower(graph, y)

    def _multiplied(self, graph: Graph, x: Value, kernel: LateArray, shape: Shape) -> Value:
        """Return the product without the bias."""
        if self._matrix is not None:
            return self._by_matrix(graph, x, kernel, shape, self._matrix)
        letters, made = self._equation.axes(len(x.shape) + 1)
        return contract(graph, x, letters, kernel, self._equation.kernel, made)

    def _by_matrix(
        self,
        graph: Graph,
        x: Value,
        kernel: LateArray,
        shape: Shape,
        matrix: _Equation,
        bias: Float32Array | None = None,
        activation: Activation = LINEAR,
    ) -> Value:
        sizes = dict(zip(matrix.kernel, kernel.shape, strict=True))
        new = tuple(sizes[letter] for letter in matrix.made)
        columns = math.prod(new)
        rows = math.prod(kernel.shape) // max(columns, 1)
        order = matrix.order
        numbers = kernel.map(
            lambda kernel: kernel.transpose(order), (rows, columns), ("transposed", *order)
        )
        if bias is not None:
            bias = np.ascontiguousarray(np.broadcast_to(bias, new)).reshape(-1)
        return append.product(graph, x, numbers, bias, shape, activation)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_matrix" not in vars(self):  # earlier versions had matrices only
            self._matrix = vars(self)["_equation"]
            self._equation = parse(self.equation)

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        config.pop("gptq_unpacked_column_size", None)  # which the shape of the kernel says
        return arguments.without_lora(config)

    def _config(self) -> dict[str, Any]:
        return {
            "output_shape": self._given,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            **weight_options.config(self, "kernel"),
            **weight_options.config(self, "bias"),
            "quantization_config": self.quantization_config,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }


def _aligned(graph: Graph, scale: Value, letters: str, made: str) -> Value:
    """Return what has 1 for each letter that is summed with the axes of the product."""
    sizes = dict(zip(letters, scale.shape, strict=True))
    kept = [c for c in made if c in letters]
    order = [letters.index(c) for c in kept]
    order += [axis for axis, letter in enumerate(letters) if letter not in made]
    moved = append.transpose(graph, scale, order)
    return append.reshape(graph, moved, tuple(sizes[c] if c in kept else 1 for c in made))
