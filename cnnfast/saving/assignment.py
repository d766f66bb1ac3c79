"""Weights on their way from a file into a model: all are read before any is replaced."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cnnfast.errors import ModelFileError
from cnnfast.files.hdf5 import H5Dataset, StoredArray
from cnnfast.utils.records import record
from cnnfast.variables import collected, replace_all

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.layers.base.layer import Layer
    from cnnfast.variables import Variable

Float32Array: TypeAlias = "npt.NDArray[np.float32]"


@record(frozen=True)
class Adapter:
    """Two datasets (…, rank) and (rank, last size), whose product belongs to a kernel (LoRA)."""

    a: H5Dataset
    b: H5Dataset
    scale: float


@record(frozen=True)
class Assignment:
    """One weight and the dataset that holds it.

    Attributes
    ----------
    axes
        Axis `i` of the weight is axis ``axes[i]`` of the dataset; None where they are the same.
    flip
        Whether the first two axes of the weight run backwards in the file.
    adapter
        What is added to the numbers.
    """

    layer: Layer
    variable: Variable
    dataset: H5Dataset
    axes: tuple[int, ...] | None = None
    flip: bool = False
    adapter: Adapter | None = None

    @property
    def variables(self) -> list[Variable]:
        """The weight, alone."""
        return [self.variable]

    def pairs(self) -> list[tuple[Variable, Any]]:
        """Return the weight with what it is assigned."""
        return [(self.variable, self.read())]

    def check(self) -> None:
        """Check that the dataset may be read and fits the weight; read nothing of it.

        Raises
        ------
        ModelFileError
            The dataset does not have the shape that the layer's config calls for, or is stored
            in a way that is refused.
        """
        shape = self.variable.shape
        stored = self.dataset.shape
        if self.axes is not None:
            stored = tuple(stored[axis] for axis in self.axes)
        if stored != shape:
            raise self.dataset.error(
                f"weight {self.variable.name!r} of layer {self.layer.name!r} must have the shape "
                f"{shape}. Received: {self.dataset.shape}."
            )
        self.dataset.locate(self.dataset.shape)
        if self.variable.dtype not in ("float32", self.dataset.dtype):
            raise self.dataset.error(
                f"weight {self.variable.name!r} of layer {self.layer.name!r} must hold "
                f"{self.variable.dtype}. Received: {self.dataset.dtype}."
            )
        if self.adapter is not None:
            rank = self.adapter.b.shape[:1]
            self.adapter.a.locate((*shape[:-1], *rank))
            self.adapter.b.locate((*rank, *shape[-1:]))

    def read(self) -> npt.NDArray[Any] | StoredArray:
        """Return the numbers in the layout of the weight, or where they can be read so."""
        if self.axes is None and not self.flip and self.adapter is None:
            stored = self.dataset.stored(self.dataset.shape)
            if stored is not None:
                return stored
        array = self.dataset.read(self.dataset.shape)
        if self.variable.dtype != "float32":
            return array.astype(self.variable.dtype)
        if self.axes is not None:
            array = array.transpose(self.axes)
        if self.flip:
            array = array[::-1, ::-1]
        if self.adapter is not None:
            a, b = (dataset.read(dataset.shape) for dataset in (self.adapter.a, self.adapter.b))
            array = with_adapter(array, a, b, self.adapter.scale)
        # A scalar would come out of `ascontiguousarray` with an axis.
        return np.ascontiguousarray(array).reshape(self.variable.shape)


@dataclass(frozen=True)
class OwnAssignment:
    """What a layer takes by a `load_own_variables` of its class.

    Attributes
    ----------
    datasets
        What the file has for the layer, by name.
    """

    layer: Layer
    datasets: Mapping[str, H5Dataset]

    @property
    def variables(self) -> list[Variable]:
        """The weights that it is relied on to assign."""
        return self.layer._own_variables()

    def check(self) -> None:
        """Check that the datasets may be read; read nothing of them."""
        for dataset in self.datasets.values():
            dataset.locate(dataset.checked_shape())

    def pairs(self) -> list[tuple[Variable, Any]]:
        """Run it, and return what it assigns.

        Raises
        ------
        ModelFileError
            If it does not take what there is.
        """
        store = {name: item.read(item.checked_shape()) for name, item in self.datasets.items()}
        try:
            with collected() as pairs:
                self.layer.load_own_variables(store)
        except Exception as error:  # whatever the user's code may raise
            raise ModelFileError(
                f"Layer {self.layer.name!r} of class {type(self.layer).__name__} does not take "
                f"what the file has for it, {sorted(store)}: {type(error).__name__}: {error}"
            ) from error
        return list(pairs)


AnyAssignment: TypeAlias = Assignment | OwnAssignment


def with_adapter(
    kernel: npt.NDArray[Any], a: npt.NDArray[Any], b: npt.NDArray[Any], scale: float
) -> Float32Array:
    """Return `kernel` with a low-rank adapter added, as Keras does."""
    product = np.float32(scale) * np.matmul(a, b, dtype=np.float32)
    merged: Float32Array = np.add(kernel, product, dtype=np.float32)
    return merged


@dataclass
class Mismatches:
    """Layers that do not fit the file: an error, or left as they are.

    Attributes
    ----------
    skip
        Whether they are left as they are.
    """

    skip: bool = False
    _messages: list[str] = field(default_factory=list)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Do what may fail for one layer."""
        try:
            yield
        except ModelFileError as error:
            if not self.skip:
                raise
            self._messages.append(str(error))

    def warn(self) -> None:
        """Say what was skipped."""
        if self._messages:
            text = "\n".join(f"- {message}" for message in self._messages)
            warnings.warn(f"Layers that keep their weights:\n{text}", stacklevel=4)


def assign_all(assignments: Sequence[AnyAssignment], mismatches: Mismatches) -> None:
    """Check everything, read everything, then replace the weights.

    So a bad file changes no weight, and takes no memory before it is known to be bad. A layer
    is replaced as a whole or not at all. What stands in the file as it does in memory stays there.
    """
    fitting: list[AnyAssignment] = []
    for _, group in itertools.groupby(assignments, lambda assignment: id(assignment.layer)):
        together = list(group)
        with mismatches.allowed():
            for assignment in together:
                assignment.check()
            fitting += together
    replace_all([pair for assignment in fitting for pair in assignment.pairs()])
    mismatches.warn()


def check_complete(model: Layer, assignments: Sequence[AnyAssignment], name: str) -> None:
    """Refuse a loaded model that would make up weights.

    Raises
    ------
    ModelFileError
        A weight got no numbers, or will be made when the model first runs; `name` is the file.
    """
    given = {weight for assignment in assignments for weight in assignment.variables}
    missing = [weight.path for weight in model.weights if weight not in given]
    unbuilt = [] if model.built else [x.name for x in model._flatten_layers() if not x.built]
    if missing or len(unbuilt) > 1:
        raise ModelFileError(
            f"{name}: the file of a whole model must hold all weights. Received: none for "
            f"{', '.join(missing or unbuilt[1:])}. A model that was saved before it was built has "
            "none: build it in Keras, by calling it on some data, and save it again."
        )


def check_count(
    layer: Layer, expected: int, received: int, error: Callable[[str], ModelFileError]
) -> None:
    """Raise `error` if the file does not hold as many weights as the layer has."""
    if expected != received:
        raise error(
            f"layer {layer.name!r} of class {type(layer).__name__} has {expected} weight(s). "
            f"Received: {received} in the file."
        )
