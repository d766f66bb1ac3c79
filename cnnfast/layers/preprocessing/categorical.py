"""Numbers as categories: which bin they fall into, and 1 at the place of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.preprocessing.samples import TakesOne, rank_of_array
from cnnfast.symbolic import arguments
from cnnfast.symbolic.registry import OPERATIONS
from cnnfast.utils.choices import choice

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, Unpack

    import numpy.typing as npt

    from cnnfast.engine.ops import Float32Array
    from cnnfast.symbolic.typing import DTypeLike, LayerOptions


# Integers reach a layer as float32, which holds no larger ones.
LARGEST = 2**24


class Categories(TakesOne):
    """What layers share that make categories of numbers; a subclass gives `depth`.

    Parameters
    ----------
    output_mode
        ``"int"`` for the categories themselves, ``"one_hot"`` for 1 at the place of each along a
        new axis, ``"multi_hot"`` for one row of all in a sample, ``"count"`` for how many of each.
    sparse
        Must be False.
    **kwargs
        As all layers take them.
    """

    modes: ClassVar[tuple[str, ...]] = ("int", "one_hot", "multi_hot", "count")

    def __init__(self, output_mode: str, sparse: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_mode = choice(output_mode, "output_mode", self.modes)
        self.sparse = sparse
        if sparse:
            raise self.unsupported(f"returns dense tensors. Received: sparse={sparse}")

    @property
    def depth(self) -> int:
        """How many categories there are."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        if self.output_mode == "one_hot":
            last_goes = len(shape) > 1 and shape[-1] == 1
            return (*(shape[:-1] if last_goes else shape), self.depth)
        if len(shape) != 2:
            raise self.unsupported(
                "takes samples, (batch, numbers), for one row of categories each. Received: "
                f"output_mode={self.output_mode!r} for input shape {shape}"
            )
        return (shape[0], self.depth)

    def _whole(self, numbers: Float32Array) -> npt.NDArray[np.int64]:
        """Return numbers without their fractions.

        Raises
        ------
        ValueError
            If one is too large for float32 to tell it from the next, or none.
        """
        if not (np.abs(numbers) < LARGEST).all():  # written so that NaN is none either
            raise ValueError(
                f"Layer '{self.name}' takes integers of less than 2 ** 24, as numbers are of "
                f"float32 here. Received: {numbers.min()} to {numbers.max()}"
            )
        return numbers.astype(np.int64)

    def _is_one(self, rank: int) -> bool:
        return rank == 1 and self.output_mode in ("multi_hot", "count")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not args or rank_of_array(args[0]) != 0:
            return super().__call__(*args, **kwargs)
        (made,) = np.reshape(self(*map(np.atleast_1d, args), **kwargs), (1, -1))
        if self.output_mode == "int":
            return made[0]
        return made[np.newaxis] if self.output_mode == "one_hot" else made

    def result_dtype(self, received: Sequence[str]) -> str:
        return "int32" if self.output_mode == "int" else self.compute_dtype

    def encoded(self, graph: Graph, x: Value, weights: Value | None = None) -> Value:
        """Append what makes the output of categories; `weights` of each are counted."""
        if self.output_mode == "int":
            return x
        if self.output_mode == "one_hot":
            if x.shape[-1:] == (1,):
                x = OPERATIONS["Squeeze"](-1).lower(graph, x)
            hot: Value = OPERATIONS["OneHot"](self.depth).lower(graph, x)
            return hot
        if self.output_mode == "multi_hot":
            all_of_it: Value = OPERATIONS["MultiHot"](self.depth).lower(graph, x)
            return all_of_it
        each = OPERATIONS["OneHot"](self.depth).lower(graph, x)
        if weights is not None:
            weights = OPERATIONS["ExpandDims"](-1).lower(graph, weights)
            each = OPERATIONS["Multiply"]().lower(graph, each, weights)
        count: Value = OPERATIONS["Sum"](axis=1).lower(graph, each)
        return count


class CategoryEncoding(Categories):
    """1 at the place of each integer from 0 to ``num_tokens - 1``; other integers leave no trace.

    Takes (batch, numbers) and returns (batch, num_tokens), or, with ``"one_hot"``, (batch, ...)
    and (batch, ..., num_tokens), where a last axis of size 1 goes.

    Parameters
    ----------
    num_tokens
        How many categories there are.
    output_mode
        ``"one_hot"`` for 1 at the place of each along a new axis, ``"multi_hot"`` for one row of
        all in a sample, ``"count"`` for how many of each; then a call takes ``count_weights``,
        too, of the shape of the input.
    sparse
        Must be False.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If the output is to be sparse.

    Examples
    --------
    >>> layer = cnnfast.layers.CategoryEncoding(4, output_mode="count")
    >>> layer(np.array([[0, 1, 1], [3, 2, 3]]))
    array([[1., 2., 0., 0.],
           [0., 0., 1., 2.]], dtype=float32)
    """

    call_arguments = ("inputs", "count_weights")
    modes = ("one_hot", "multi_hot", "count")

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: Literal["one_hot", "multi_hot", "count"] = "multi_hot",
        sparse: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(output_mode, sparse, **kwargs)
        self.num_tokens = arguments.positive_integer(
            num_tokens,
            "num_tokens must be set to use this layer, to an integer >= 1. If the number of "
            "tokens is not known beforehand, use the IntegerLookup layer instead.",
        )

    @property
    def depth(self) -> int:
        return self.num_tokens

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shape, weights = _with_weights(input_shape)
        if weights is not None and (self.output_mode != "count" or weights != shape):
            raise ValueError(
                f"Layer '{self.name}': `count_weights` is not used when `output_mode` is not "
                "'count', and has the shape of the input then. Received: count_weights of shape "
                f"{weights} for shape {shape} and output_mode={self.output_mode!r}"
            )
        return super().compute_output_shape(shape)

    def lower(self, graph: Graph, x: Any) -> Value:
        self._output_shape(x)
        return self.encoded(graph, *x) if isinstance(x, list) else self.encoded(graph, x)

    def _config(self) -> dict[str, Any]:
        return {"num_tokens": self.num_tokens, "output_mode": self.output_mode}


def _with_weights(shapes: Any) -> tuple[BatchShape, BatchShape | None]:
    """Return the shapes of the input and of weights, None where there are none."""
    if shapes and isinstance(shapes[0], list | tuple):
        first, *others = shapes
        return tuple(first), tuple(others[0]) if others else None
    return tuple(shapes), None


class Discretization(Categories):
    """Which bin a number falls into: how many boundaries are not above it.

    Takes and returns any shape (batch, ...), but for what `output_mode` says; see
    `CategoryEncoding`.

    Parameters
    ----------
    bin_boundaries
        Numbers that rise: ``[0.0, 1.0]`` makes bins below 0, from 0 up to 1, and from 1 on.
    num_bins
        How many bins `adapt` shall find, in place of `bin_boundaries`.
    epsilon
        How exact `adapt` is: a smaller number remembers more of what it has seen.
    output_mode
        ``"int"``, ``"one_hot"``, ``"multi_hot"`` or ``"count"``.
    sparse
        Must be False.
    dtype
        Of what is not ``"int"``.
    name
        Made from the class where None.

    Raises
    ------
    ValueError
        If an argument is illegal, or there are no boundaries when it runs.
    UnsupportedError
        If the output is to be sparse.

    Examples
    --------
    >>> layer = cnnfast.layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0])
    >>> layer(np.array([[-1.5, 1.0, 3.4, 0.5]]))
    array([[0., 2., 3., 1.]], dtype=float32)
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | npt.ArrayLike | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: Literal["int", "one_hot", "multi_hot", "count"] = "int",
        sparse: bool = False,
        dtype: DTypeLike = None,
        name: str | None = None,
    ) -> None:
        super().__init__(output_mode, sparse, dtype=dtype, name=name)
        if num_bins is not None and bin_boundaries is not None:
            raise ValueError(
                "Both `num_bins` and `bin_boundaries` should not be set. Received: "
                f"num_bins={num_bins} and bin_boundaries={bin_boundaries!r:.200}"
            )
        if num_bins is None and bin_boundaries is None:
            raise ValueError("You need to set either `num_bins` or `bin_boundaries`.")
        rule = "`num_bins` must be greater than 0."
        self.num_bins = None if num_bins is None else arguments.positive_integer(num_bins, rule)
        self.epsilon = arguments.number(epsilon, "epsilon")
        self._edges = None if bin_boundaries is None else _rising(bin_boundaries)

    @property
    def bin_boundaries(self) -> list[float] | None:
        """The numbers between bins, in order; None before `adapt`."""
        return None if self._edges is None else list(self._edges)

    @property
    def depth(self) -> int:
        if self.bin_boundaries is not None:
            return len(self.bin_boundaries) + 1
        assert self.num_bins is not None
        return self.num_bins

    def adapt(
        self, data: npt.ArrayLike | Iterable[npt.ArrayLike], steps: int | None = None
    ) -> None:
        """Set `bin_boundaries` so that as many numbers of `data` fall into each bin.

        Parameters
        ----------
        data
            An array, or batches of them.
        steps
            How many batches; all where None.

        Raises
        ------
        ValueError
            If the layer was made with boundaries.
        """
        if self.num_bins is None:
            raise ValueError(
                "Cannot adapt a Discretization layer that has been initialized with "
                "`bin_boundaries`, use `num_bins` instead."
            )
        batches = [data] if hasattr(data, "__array__") else data
        seen = np.zeros((2, 0), np.float32)
        for number, batch in enumerate(batches):  # type: ignore[arg-type]
            if steps is not None and number >= steps:
                break
            both = np.concatenate([_summary(batch, self.epsilon), seen], axis=1)
            seen = _compressed(both[:, np.argsort(both[0])], self.epsilon)
        edges = _compressed(seen, 1.0 / self.num_bins)[0, :-1]
        self._edges = tuple(float(edge) for edge in edges)
        self._changed()

    def lower(self, graph: Graph, x: Value) -> Value:
        if self.bin_boundaries is None:
            raise ValueError(
                f"Layer '{self.name}': You need to either pass the `bin_boundaries` argument at "
                "construction time or call `adapt(dataset)` before you can start using the "
                "`Discretization` layer."
            )
        self._output_shape(x)
        edges = np.asarray(self.bin_boundaries, np.float32)
        bins = OPERATIONS["Digitize"]().lower(graph, x, edges)
        return self.encoded(graph, bins)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments in the form of Keras 3."""
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": False,
            "name": self.name,
            "dtype": self._policy.name,
        }

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        if config.get("bin_boundaries") is not None:
            config.pop("num_bins", None)  # of which `adapt` has made the boundaries
        config.pop("trainable", None)
        return config


def _rising(boundaries: Any) -> tuple[float, ...]:
    numbers = np.asarray(boundaries, np.float64)
    if numbers.ndim != 1 or not (np.diff(numbers) >= 0).all():
        raise ValueError(
            "`bin_boundaries` must be a list of numbers that rise. Received: "
            f"bin_boundaries={boundaries!r:.200}"
        )
    return tuple(float(number) for number in numbers)


def _summary(batch: Any, epsilon: float) -> npt.NDArray[np.float32]:
    """Return numbers at equal distances in the order of a batch, and for how many each stands."""
    numbers = np.sort(np.asarray(batch, np.float32), axis=None)
    step = max(numbers.size / (1.0 / epsilon), 1)
    kept = numbers[int(step - 1) :: int(step)]
    return np.stack([kept, np.full_like(kept, step)])


def _compressed(summary: npt.NDArray[Any], epsilon: float) -> npt.NDArray[Any]:
    """Return as many numbers as `epsilon` says, at equal shares of the weights of a summary."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    weights = summary[1].cumsum()
    numbers = np.interp(shares, weights / weights[-1], summary[0])
    upto = np.interp(shares, weights / weights[-1], weights)
    return np.stack([numbers, np.diff(upto, prepend=0.0)]).astype(np.float32)
