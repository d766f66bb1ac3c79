"""Dense layers, and what they share with others that multiply by a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast import activations, constraints, initializers, regularizers
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray, late
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments, dtypes
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.layers.quantized.schemes import Scheme
    from cnnfast.symbolic.typing import (
        ActivationLike,
        ConstraintLike,
        InitializerLike,
        OptionsBesideRegularizer,
        RegularizerLike,
    )


class WithKernel(Layer):
    """A layer with a `kernel` and a `bias`; see `Scheme` for what a quantized one has instead."""

    quantization_modes = ("int8", "int4", "float8", "gptq", "awq")

    bias: Variable | None
    quantization_config: Any = None
    _scheme: Scheme | None = None
    _divides_channels = True
    """Whether Keras divides by the scales of int4 channels behind the product."""

    def _set_scheme(self, config: Mapping[str, Any] | None) -> None:
        """Say how the kernel is quantized, if the dtype policy says that it is."""
        self.quantization_config = config
        mode = self._policy.quantization_mode
        if config is None and mode is None:
            return
        from cnnfast.layers.quantized import configs, schemes

        self.quantization_config = configs.cleaned(config)
        if mode is not None:
            self.integers = dtypes.Integers.REFUSED
            self._scheme = schemes.Scheme(
                self.name, self._policy, self.quantization_config, self._divides_channels
            )

    def _create_kernel(
        self,
        shape: BatchShape,
        summed: Sequence[int],
        scale_shape: BatchShape,
        path: str,
        **kernel: Any,
    ) -> None:
        """Make the kernel, or what a quantized layer has in its place.

        Parameters
        ----------
        summed
            Its axes along which products are summed.
        scale_shape
            Of the scales that int8 has.
        kernel
            How a kernel of floats begins.
        """
        if self._scheme is None:
            self.add_weight(name="kernel", shape=shape, path=path, **kernel)
        else:
            self._scheme.make(self, shape, summed, scale_shape, path, **kernel)

    def _built_kernel(self) -> Any:
        if self._scheme is not None and self.built:
            return self._scheme.shown()
        return self._built_weight(0, "kernel")

    def _kernel_numbers(self) -> LateArray:
        """Return the kernel of a product in float32."""
        if self._scheme is not None:
            return self._scheme.kernel()
        return late(self._built_weight(0, "kernel"))

    def _file_variables(self) -> list[Variable]:
        if self._scheme is None:
            return self._own_variables()
        return self._scheme.in_files(self.bias)


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
