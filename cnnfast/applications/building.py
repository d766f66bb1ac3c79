"""What the builders share: the input, the head, and where weights come from."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from cnnfast import layers
from cnnfast.models import Model
from cnnfast.models.sources import get_source_inputs
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils.data.local_files import keras_home
from cnnfast.utils.defaults import image_data_format

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

Pooling: TypeAlias = Literal["avg", "max"] | None
Weights: TypeAlias = str | os.PathLike[str] | None
Draw: TypeAlias = "Callable[[Options, KerasTensor], KerasTensor]"
DEFAULT_SIZE, SMALLEST_SIZE = 224, 32
_IMAGENET, _CLASSES = "imagenet", 1000


@dataclass(frozen=True)
class Options:
    """The arguments that all builders have.

    Parameters
    ----------
    builder
        Name of the builder, for errors.
    include_top
        Whether the network classifies; else it ends in its last feature map.
    weights
        Path of a weights file such as Keras publishes (with or without "notop" or "no_top", as
        `include_top` says), or None for random weights. "imagenet" takes the file that Keras keeps
        in ``~/.keras/models``, and raises where it is not there: nothing is downloaded.
    input_tensor
        A symbolic tensor to begin with, in place of an input of `input_shape`.
    input_shape
        (height, width, 3); the default size where None and `include_top`, else unknown.
    pooling
        None, "avg" or "max": what a network without a head ends in.
    classes
        How many classes there are.
    classifier_activation
        Activation of the last layer; None gives logits.
    file
        Name of the file that Keras publishes for these arguments.
    default_size, smallest
        Heights and widths.
    any_size
        Whether the head takes images of unknown size.

    Raises
    ------
    ValueError
        If an argument is illegal.
    ModelFileError
        If the weights file does not fit.
    """

    builder: str
    include_top: bool
    weights: Weights
    input_tensor: KerasTensor | None
    input_shape: OpenShape | None
    pooling: Pooling
    classes: int
    classifier_activation: ActivationLike
    file: str = ""
    default_size: int = DEFAULT_SIZE
    smallest: int = SMALLEST_SIZE
    any_size: bool = False

    def __post_init__(self) -> None:
        if self.pooling not in (None, "avg", "max"):
            raise ValueError(
                f"{self.builder}: `pooling` must be None, 'avg' or 'max'. "
                f"Received: {self.pooling!r}"
            )
        if image_data_format() != "channels_last":
            raise ValueError(
                f"{self.builder}: networks by name are channels_last: set that format, or load a "
                f"file that Keras wrote. Received: image_data_format()={image_data_format()!r}"
            )
        if self.published and self.include_top and self.classes != _CLASSES:
            raise ValueError(
                f"{self.builder}: if using `weights='imagenet'` with `include_top=True`, `classes` "
                f"should be {_CLASSES}. Received: classes={self.classes}"
            )
        path = self.path()
        if path is not None and not os.path.exists(path):
            raise ValueError(self._missing(path))

    @property
    def published(self) -> bool:
        """Whether the weights are those of Keras for ImageNet."""
        return self.weights == _IMAGENET

    def path(self) -> str | None:
        """Return where the weights are; None for random ones."""
        if self.published:
            return str(keras_home() / "models" / self.file)
        return None if self.weights is None else os.fspath(self.weights)

    def _missing(self, path: str) -> str:
        if not self.published:
            return (
                f"{self.builder}: the `weights` argument should be either `None` (random "
                "initialization), 'imagenet' (for which Keras' file must be there), or the path "
                f"to the weights file to be loaded. Received: weights={self.weights}"
            )
        return (
            f"{self.builder}: nothing is downloaded. Pass the path of a weights file, such as "
            f"those that Keras publishes: `{self.builder}(weights=path)`, or `weights=None` for "
            "random weights. With 'imagenet' the file that Keras keeps is taken. Received: "
            f"weights='imagenet', and no file {path}"
        )

    def input(self) -> KerasTensor:
        """Return the tensor that the network begins with.

        Raises
        ------
        ValueError
            If the input is too small, or unknown where the head needs to know it.
        """
        if self.input_tensor is not None:
            return self.input_tensor
        return layers.Input(shape=self._shape())

    def _shape(self) -> tuple[int | None, ...]:
        if self.input_shape is None:
            size = self.default_size if self.include_top else None
            return (size, size, 3)
        shape = tuple(self.input_shape)
        if len(shape) != 3:
            raise ValueError(
                "`input_shape` must be a tuple of three integers. "
                f"Received: input_shape={self.input_shape}"
            )
        if any(size is not None and size < self.smallest for size in shape[:2]):
            raise ValueError(
                f"Input size must be at least {self.smallest}x{self.smallest}. "
                f"Received: input_shape={self.input_shape}"
            )
        if self.include_top and None in shape and not self.any_size:
            raise ValueError(
                "If `include_top` is True, you should specify a static `input_shape`. "
                f"Received: input_shape={self.input_shape}"
            )
        return shape

    def pooled(self, x: Any, *, named: bool = True) -> Any:
        """Apply `pooling`, which a network without a head may end in."""
        if self.pooling == "avg":
            return layers.GlobalAveragePooling2D(name="avg_pool" if named else None)(x)
        if self.pooling == "max":
            return layers.GlobalMaxPooling2D(name="max_pool" if named else None)(x)
        return x

    def predictions(self, x: Any) -> Any:
        """Append the layer that classifies."""
        return layers.Dense(
            self.classes, activation=self.classifier_activation, name="predictions"
        )(x)

    def end(self, x: Any, *, named: bool = True, dropout: float = 0.0) -> Any:
        """Append a head that averages each channel and classifies, or else apply `pooling`."""
        if not self.include_top:
            return self.pooled(x, named=named)
        x = layers.GlobalAveragePooling2D(name="avg_pool" if named else None)(x)
        if dropout:
            x = layers.Dropout(dropout, name="top_dropout")(x)
        return self.predictions(x)

    def model(self, begin: KerasTensor, end: Any, name: str) -> Model:
        """Make the network between two tensors, with the weights that are asked for."""
        model = Model(_source(begin), end, name=name)
        path = self.path()
        if path is not None:
            model.load_weights(path)
        return model


def _source(tensor: KerasTensor) -> Any:
    """Return the inputs that `tensor` is computed from, alone if there is one."""
    inputs = get_source_inputs(tensor)
    return inputs[0] if len(inputs) == 1 else inputs


def halving_pads(x: Any, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the pads with which a 'valid' window of `size` and stride 2 halves the image."""
    half = size // 2
    # Keras takes an unknown size for even, and then the other one as well.
    known = None not in x.shape[1:3]
    rows, columns = (half - (0 if known and n % 2 else 1) for n in x.shape[1:3])
    return (rows, half), (columns, half)


class Build(Protocol):
    """A function that builds a network."""

    def __call__(
        self,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: OpenShape | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike = "softmax",
        name: str = "",
    ) -> Model:
        """Build the network; see `Options` for the arguments and errors.

        `name` is that of the model.
        """


def builder(
    title: str,
    default_name: str,
    draw: Draw,
    file: str,
    default_size: int = DEFAULT_SIZE,
    smallest: int = SMALLEST_SIZE,
) -> Build:
    """Return the function that builds a network of a family.

    Parameters
    ----------
    title
        Name of the function.
    default_name
        Name of the model.
    draw
        Makes the network's end of its options and its begin.
    file
        Name of the published weights, with ``%s`` for what stands there without a head: "_notop".
    default_size, smallest
        As of `Options`.
    """

    def build(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: OpenShape | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike = "softmax",
        name: str = default_name,
    ) -> Model:
        options = Options(
            title,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            file % ("" if include_top else "_notop"),
            default_size,
            smallest,
        )
        begin = options.input()
        return options.model(begin, draw(options, begin), name)

    made: Build = titled(build, title, draw.__module__)
    return made


def titled(build: Any, title: str, module: str) -> Any:
    """Let a function be called `title`, with the help that all builders have."""
    build.__name__ = build.__qualname__ = title
    build.__module__ = module
    build.__doc__ = (
        f"Build {title}.\n\nParameters and errors are those of `building.Options`; `name` is that "
        "of the model."
    )
    return build


def rounded(filters: float, divisor: int = 8) -> int:
    """Return the multiple of `divisor` nearest to `filters`, but not under 90 % of it."""
    multiple = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return multiple + divisor if multiple < 0.9 * filters else multiple
