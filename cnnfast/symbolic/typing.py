"""What arguments may be, by name, for editors and type checkers; imported for types alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar, overload

import numpy.typing as npt

from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.activations import ActivationFunction
    from cnnfast.constraints import Constraint
    from cnnfast.engine.ops import Float32Array
    from cnnfast.initializers import Initializer
    from cnnfast.layers.base.layer import Layer
    from cnnfast.regularizers import Regularizer
    from cnnfast.symbolic.batch_size import BatchSize
    from cnnfast.symbolic.dtypes import DTypePolicy

Padding: TypeAlias = Literal["valid", "same"]
CausalPadding: TypeAlias = Literal["valid", "same", "causal"]
DataFormat: TypeAlias = Literal["channels_last", "channels_first"]
FillMode: TypeAlias = Literal["constant", "nearest", "reflect", "wrap", "crop"]
Interpolation: TypeAlias = Literal[
    "nearest", "area", "bilinear", "bicubic", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"
]
PadMode: TypeAlias = Literal["constant", "reflect", "symmetric", "edge", "wrap"]

IntOrSequence: TypeAlias = int | Sequence[int]
"""One for all axes, or one for each."""
Borders: TypeAlias = int | Sequence[int | Sequence[int]]
"""One for all ends, one for both ends of each axis, or (before, after) for each."""
Range: TypeAlias = float | Sequence[float]
"""Two ends, or a number that stands for them."""
OpenShape: TypeAlias = Sequence[int | None]
"""Sizes; None stands for any."""
OpenSizes: TypeAlias = "Sequence[int | BatchSize | None]"
"""Sizes, the first of which may be the batch of a symbolic tensor."""
WindowLike: TypeAlias = (
    Literal["boxcar", "hann", "hamming", "blackman"] | npt.NDArray[Any] | Sequence[float] | None
)
"""What weighs the samples of a frame; None is a window of ones."""

Key: TypeAlias = int | slice | EllipsisType | Sequence[int | slice | EllipsisType | None] | None
"""An index of a tensor."""

Array: TypeAlias = npt.NDArray[Any]
Tensor = TypeVar("Tensor", KerasTensor, Array)
"""Symbolic in, symbolic out; an array in, an array out."""
Operand: TypeAlias = KerasTensor | npt.ArrayLike
"""A tensor, or numbers that are the same for every image."""

# Each kind may also be one that the user registers, by any name.
ActivationLike: TypeAlias = (
    "str | Callable[..., Any] | ActivationFunction | Layer | Mapping[str, Any] | None"
)
InitializerLike: TypeAlias = (
    "str | Initializer | type[Initializer] | npt.NDArray[Any] | Mapping[str, Any] | None"
)
RegularizerLike: TypeAlias = "str | Regularizer | type[Regularizer] | Mapping[str, Any] | None"
ConstraintLike: TypeAlias = "str | Constraint | type[Constraint] | Mapping[str, Any] | None"
DTypeLike: TypeAlias = "str | npt.DTypeLike | DTypePolicy | Mapping[str, Any] | None"


class BinaryFunction(Protocol):
    """A function of two operands, one of which is a tensor or an array with a batch."""

    @overload
    def __call__(self, x1: KerasTensor, x2: Operand) -> KerasTensor: ...

    @overload
    def __call__(self, x1: Operand, x2: KerasTensor) -> KerasTensor: ...

    @overload
    def __call__(self, x1: npt.ArrayLike, x2: npt.ArrayLike) -> Float32Array: ...


class _FirstShape(TypedDict, total=False):
    input_shape: OpenShape | None
    batch_input_shape: OpenShape | None


class _Size(TypedDict, total=False):
    input_dim: int | None


class _Batch(TypedDict, total=False):
    batch_shape: OpenShape | None
    batch_size: int | None


class FirstLayer(_FirstShape, _Size, _Batch, total=False):
    """How the first layer of a `Sequential` says the shape of its input."""


class _Always(_FirstShape, total=False):
    trainable: bool
    autocast: bool


class _Name(TypedDict, total=False):
    name: str | None


class _DType(TypedDict, total=False):
    dtype: DTypeLike


class _Regularized(TypedDict, total=False):
    activity_regularizer: RegularizerLike


# What every layer takes beside its own arguments, but for those that it names itself.
class LayerOptions(_Always, _Size, _Batch, _Name, _DType, _Regularized, total=False):
    """The arguments of `Layer`."""


class OptionsBesideRegularizer(_Always, _Size, _Batch, _Name, _DType, total=False):
    """Those of `Layer` without `activity_regularizer`."""


class OptionsBesideName(_Always, _Size, _Batch, _DType, _Regularized, total=False):
    """Those of `Layer` without `name`."""


class OptionsBesideNameAndDType(_Always, _Size, _Batch, _Regularized, total=False):
    """Those of `Layer` without `name` and `dtype`."""


class OptionsBesideInputDim(_Always, _Batch, _Name, _DType, _Regularized, total=False):
    """Those of `Layer` without `input_dim`."""


class InputLayerOptions(_Always, _Size, _Regularized, total=False):
    """Those of `Layer` that an `InputLayer` does not name itself."""


class LeakyOptions(LayerOptions, total=False):
    """Those of `Layer`, and what Keras 1 and 2 call the slope."""

    alpha: float


class ImageOptionsBesideFormat(LayerOptions, total=False):
    """Those of `Layer`, and of layers that change bounding boxes with their images."""

    bounding_box_format: str | None


class AugmentationOptionsBesideFormat(ImageOptionsBesideFormat, total=False):
    """Those of augmentation layers that name `data_format` themselves."""

    rng_type: str | None


class AugmentationOptions(AugmentationOptionsBesideFormat, total=False):
    """Those of augmentation layers, which Keras 2 lets choose a random generator."""

    data_format: DataFormat | None


class _Time(TypedDict, total=False):
    time_major: bool
    num_constants: int | None


class RecurrentOptions(LayerOptions, _Time, total=False):
    """Those of `Layer`, and what Keras 2 writes of recurrent layers."""


class CellOptions(LayerOptions, total=False):
    """Those of `Layer`, and how Keras 2 computes a cell."""

    implementation: int


class CellArguments(CellOptions, total=False):
    """What every cell takes beside its units."""

    activation: ActivationLike
    use_bias: bool
    kernel_initializer: InitializerLike
    recurrent_initializer: InitializerLike
    bias_initializer: InitializerLike
    kernel_regularizer: RegularizerLike
    recurrent_regularizer: RegularizerLike
    bias_regularizer: RegularizerLike
    kernel_constraint: ConstraintLike
    recurrent_constraint: ConstraintLike
    bias_constraint: ConstraintLike
    dropout: float
    recurrent_dropout: float
    seed: int | None


class CellLayerOptions(OptionsBesideRegularizer, _Time, total=False):
    """Those of a recurrent layer that makes its own cell."""

    implementation: int
    zero_output_for_mask: bool


class ConvLSTMOptions(CellLayerOptions, total=False):
    """Those of a convolutional one, which Keras does not list."""

    unroll: bool
