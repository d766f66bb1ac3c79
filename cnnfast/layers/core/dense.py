"""Dense layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cnnfast import activations, constraints, initializers, regularizers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.core.with_kernel import WithKernel
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ActivationLike,
        ConstraintLike,
        InitializerLike,
        OptionsBesideRegularizer,
        RegularizerLike,
    )


class Dense(WithKernel):
    """``activation(x @ kernel + bias)`` along the last axis of inputs of any rank.

    Takes (batch, ..., inputs) and returns (batch, ..., units).

    Weights: `kernel` (inputs, units) and, with `use_bias`, `bias` (units,).

    Parameters
    ----------
    units
        Size of the last axis of the output.
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    use_bias
        Whether there is a bias.
    kernel_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    kernel_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
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

    Examples
    --------
    >>> layer = cnnfast.layers.Dense(3, activation="softmax")
    >>> layer(np.ones((2, 5))).shape
    (2, 3)
    """

    passes_masks = True

    def __init__(
        self,
        units: int,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        quantization_config: Mapping[str, Any] | None = None,
        **kwargs: Unpack[OptionsBesideRegularizer],
    ) -> None:
        rule = "Received an invalid value for `units`, expected a positive integer."
        units = arguments.positive_integer(units, rule)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._set_scheme(quantization_config)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = arguments.boolean(use_bias, "use_bias")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.input_spec = InputSpec(min_ndim=2)

    @property
    def kernel(self) -> Any:
        """The kernel, of integers if it is quantized; AttributeError if the layer is not built."""
        return self._built_kernel()

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        inputs = input_shape[-1]
        self._create_kernel(
            (inputs, self.units),
            (0,),
            (self.units,),
            path,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                path=path,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: inputs})

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (*input_shape[:-1], self.units)

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        bias = None if self.bias is None else self.bias.numpy()
        scheme = self._scheme
        if scheme is not None and not scheme.fuses:
            y = scheme.product(
                graph,
                x,
                (len(x.shape) - 1,),
                lambda q, kernel: append.product(graph, q, kernel, None, shape),
            )
            return self.activation.lower(graph, scheme.with_bias(graph, y, bias))
        kernel = self._kernel_numbers()
        if scheme is not None:
            x, bias = scheme.entered(graph, x), scheme.bias(bias)
        fused, rest = self.activation.split()
        y = append.product(graph, x, kernel, bias, shape, fused)
        return rest.lower(graph, y)

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return arguments.without_lora(config)

    def _config(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **weight_options.config(self, "kernel"),
            **weight_options.config(self, "bias"),
            "quantization_config": self.quantization_config,
        }
