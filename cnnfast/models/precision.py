"""How a model computes: as what weights are stored, and what is rounded before it is multiplied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnfast.engine.executor import PRECISIONS, WEIGHT_DTYPES
from cnnfast.models.inference import Inference


class Adjustable(Inference):
    """A network whose arithmetic can be set."""

    _weight_dtype = "float32"
    _precision = "float32"

    if TYPE_CHECKING:  # what a model does

        def release_memory(self) -> None: ...

    @property
    def arithmetic(self) -> tuple[str, str]:
        return self._weight_dtype, self._precision

    @property
    def weight_dtype(self) -> str:
        """How packed weights are stored: ``"float32"``, ``"float16"`` or ``"bfloat16"``.

        In 16 bits only where one image takes less time to compute than its weights take to read,
        such as in large dense layers, and not where a weight is too large for float16. They are
        widened as they are read; sums and everything else stay float32, and so do `weights` and
        what is saved. Can be set; None is ``"float32"``. A model inside another one follows the
        outer one.
        """
        return self._weight_dtype

    @weight_dtype.setter
    def weight_dtype(self, value: str | None) -> None:
        name = "float32" if value is None else value
        if name not in WEIGHT_DTYPES:
            raise ValueError(
                f"Model '{self.name}': weight_dtype must be None or one of "
                f"{list(WEIGHT_DTYPES)}. Received: {value!r}"
            )
        if name != self._weight_dtype:
            self._weight_dtype = name
            self.release_memory()

    @property
    def precision(self) -> str:
        """What operands of products may be rounded to: ``"bfloat16"``, or nothing: ``"float32"``.

        With ``"bfloat16"`` convolutions and dense layers multiply inputs and weights of 8 bits of
        mantissa where that saves time: with at least 8 input channels and 16 filters (each of a
        group) and more than one pixel. Sums, and everything between layers, stay float32.
        Winograd's algorithm rounds its transformed operands. A dense layer on single rows whose
        weights take longer to read than to multiply stores these in bfloat16, unless
        `weight_dtype` asks for float16. All else is float32: layers with fewer channels, such as
        the first one of images, depthwise convolutions, softmax, and convolutions with weights
        that are not finite in bfloat16. What is rounded depends on shapes and weights alone.
        On processors without bfloat16 dot products (AVX512_BF16) the same operands are rounded
        and then multiplied in float32, which is slower than ``"float32"``.

        Can be set; None is ``"float32"``. A model inside another one follows the outer one.
        """
        return self._precision

    @precision.setter
    def precision(self, value: str | None) -> None:
        name = "float32" if value is None else value
        if name not in PRECISIONS:
            raise ValueError(
                f"Model '{self.name}': precision must be None or one of {list(PRECISIONS)}. "
                f"Received: {value!r}"
            )
        if name != self._precision:
            self._precision = name
            self.release_memory()
