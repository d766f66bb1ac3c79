"""Layers that multiply by a kernel, which may be quantized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.late import LateArray, late
from cnnfast.engine.ops import BatchShape
from cnnfast.layers.base.layer import Layer
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from cnnfast.layers.quantized.schemes import Scheme


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
        from cnnfast.symbolic.dtypes import Integers

        self.quantization_config = configs.cleaned(config)
        if mode is not None:
            self.integers = Integers.REFUSED
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
