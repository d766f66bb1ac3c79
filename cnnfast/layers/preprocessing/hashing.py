"""Integers, alone or several together, as numbers of bins by a hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.layers.preprocessing import fingerprints
from cnnfast.layers.preprocessing.categorical import LARGEST, Categories
from cnnfast.symbolic import arguments, dtypes

if TYPE_CHECKING:
    from typing import Literal, Unpack

    from cnnfast.symbolic.typing import DTypeLike, LayerOptions, OptionsBesideNameAndDType


class _Hashed(Categories):
    """What layers share that hash integers."""

    def __init__(self, num_bins: int, output_mode: str, sparse: bool, **kwargs: Any) -> None:
        if kwargs.get("dtype") is None and output_mode == "int":
            kwargs["dtype"] = "int64"
        super().__init__(output_mode, sparse, **kwargs)
        rule = f"The `num_bins` for `{type(self).__name__}` cannot be `None` or non-positive."
        self.num_bins = arguments.positive_integer(num_bins, rule)
        if self.num_bins > LARGEST:
            raise self.unsupported(
                "numbers at most 2 ** 24 bins, as numbers are of float32 here. Received: "
                f"num_bins={num_bins}"
            )

    @property
    def depth(self) -> int:
        return self.num_bins

    def result_dtype(self, received: Sequence[str]) -> str:
        return "int64" if self.output_mode == "int" else self.compute_dtype


class Hashing(_Hashed):
    """The bin of each integer, by a hash of its decimal digits, as TensorFlow makes it.

    Takes and returns any shape (batch, ...), but for what `output_mode` says; see
    `CategoryEncoding`. Integers must lie below 2 ** 24; fractions are dropped.

    Parameters
    ----------
    num_bins
        How many bins there are.
    mask_value
        A number whose bin is 0, in which no other is then.
    salt
        None for FarmHash64; one integer, or two, as the key of SipHash64.
    output_mode
        ``"int"``, ``"one_hot"``, ``"multi_hot"`` or ``"count"``.
    sparse
        Must be False.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal, or an integer too large.
    UnsupportedError
        If the output is to be sparse, or `mask_value` is a text.

    Examples
    --------
    >>> layer = cnnfast.layers.Hashing(num_bins=11)
    >>> layer(np.array([[0, 1, 12]]))
    array([[2., 8., 9.]], dtype=float32)
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: float | None = None,
        salt: int | Sequence[int] | None = None,
        output_mode: Literal["int", "one_hot", "multi_hot", "count"] = "int",
        sparse: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(num_bins, output_mode, sparse, **kwargs)
        if isinstance(mask_value, str):
            raise self.unsupported(f"hashes integers. Received: mask_value={mask_value!r}")
        self.mask_value = None if mask_value is None else arguments.number(mask_value, "mask_value")
        self.salt = checked_salt(salt)

    def lower(self, graph: Graph, x: Value) -> Value:
        self._output_shape(x)
        return self.encoded(graph, graph.add(ops.Call((x,), Value(x.shape), self._bins, self.name)))

    def _bins(self, numbers: Float32Array) -> Float32Array:
        masked = self.mask_value is not None and self.num_bins > 1
        bins = fingerprints.buckets(self._whole(numbers), self.num_bins - masked, self.salt)
        if masked:
            bins = np.where(numbers == self.mask_value, 0, bins + 1)
        return bins.astype(np.float32)

    def _config(self) -> dict[str, Any]:
        return {
            "num_bins": self.num_bins,
            "salt": self.salt,
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": False,
        }


def checked_salt(salt: Any) -> list[int] | None:
    """Return the two integers of a key, or None.

    Raises
    ------
    ValueError
        If it is something else.
    """
    pair = [salt, salt] if isinstance(salt, int) else salt
    if pair is None:
        return None
    if (
        not isinstance(pair, list | tuple)
        or len(pair) != 2
        or not all(type(n) is int for n in pair)
    ):
        raise ValueError(
            "The `salt` argument can only be a tuple of size 2 integers, or a single integer. "
            f"Received: salt={salt!r}"
        )
    return list(pair)


class HashedCrossing(_Hashed):
    """The bin of several integers together, by TensorFlow's hash of all of them.

    Takes a list of tensors of integers, (batch,) or (batch, 1), and returns the same shape, or
    (batch, num_bins) where the output is ``"one_hot"``. Integers must lie below 2 ** 24.

    Parameters
    ----------
    num_bins
        How many bins there are.
    output_mode
        ``"int"``, or ``"one_hot"`` for 1 at the place of the bin.
    sparse
        Must be False.
    name
        Made from the class where None.
    dtype
        Of what is not ``"int"``.
    **kwargs
        What else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal, or an input is of another shape, or of floats.
    UnsupportedError
        If the output is to be sparse.

    Examples
    --------
    >>> layer = cnnfast.layers.HashedCrossing(num_bins=5)
    >>> layer([np.array([1, 2, 3]), np.array([7, 8, 9])]).shape
    (3,)
    """

    takes_structure = True
    modes = ("int", "one_hot")

    def __init__(
        self,
        num_bins: int,
        output_mode: Literal["int", "one_hot"] = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: DTypeLike = None,
        **kwargs: Unpack[OptionsBesideNameAndDType],
    ) -> None:
        super().__init__(num_bins, output_mode, sparse, name=name, dtype=dtype, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shapes = [tuple(shape) for shape in input_shape if isinstance(shape, list | tuple)]
        if len(shapes) < 2:
            raise ValueError(
                "`HashedCrossing` should be called on a list or tuple of at least two inputs. "
                f"Received: input shape {input_shape}"
            )
        first = shapes[0]
        if len(first) > 2 or (len(first) == 2 and first[1] != 1) or len({*shapes}) > 1:
            raise ValueError(
                "All `HashedCrossing` inputs should have equal shape, `(batch_size)` or "
                f"`(batch_size, 1)`. Received: input shapes {shapes}"
            )
        return super().compute_output_shape(first)

    def result_dtype(self, received: Sequence[str]) -> str:
        if not all(dtypes.integer(name) for name in received):
            raise ValueError(
                "All `HashedCrossing` inputs should have an integer dtype. Received: "
                f"{list(received)} for layer '{self.name}'"
            )
        return super().result_dtype(received)

    def lower(self, graph: Graph, x: Any) -> Value:
        self._output_shape(x)
        call = ops.Call(tuple(x), Value(x[0].shape), self._bins, self.name)
        return self.encoded(graph, graph.add(call))

    def _bins(self, *numbers: Float32Array) -> Float32Array:
        rows = np.stack([self._whole(each).ravel() for each in numbers], -1)
        bins = fingerprints.of_each(rows, lambda row: fingerprints.crossed(row) % self.num_bins)
        return bins.reshape(numbers[0].shape).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments in the form of Keras 3."""
        return {
            "num_bins": self.num_bins,
            "output_mode": self.output_mode,
            "sparse": False,
            "name": self.name,
            "dtype": self.dtype,
        }
