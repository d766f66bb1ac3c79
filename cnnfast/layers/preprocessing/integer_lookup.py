"""Integers as places in a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.layers.preprocessing import fingerprints
from cnnfast.layers.preprocessing.categorical import LARGEST, Categories
from cnnfast.layers.preprocessing.hashing import checked_salt
from cnnfast.symbolic import arguments

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, Unpack

    import numpy.typing as npt

    from cnnfast.symbolic.typing import OptionsBesideName

_OF_KERAS_2 = {"binary": "multi_hot"}


class IntegerLookup(Categories):
    """The place of each integer in a vocabulary; one place, or several, for all others.

    Takes and returns any shape (batch, ...), but for what `output_mode` says; see
    `CategoryEncoding`. Integers must lie below 2 ** 24.

    Parameters
    ----------
    max_tokens
        At most so many places, those of unknown integers and of `mask_token` included.
    num_oov_indices
        How many places unknown integers have: 0 for none, when they are an error. Of several, an
        integer has the one that it leaves as a remainder.
    mask_token
        An integer whose place is 0, or, where the output is not ``"int"``, that leaves no trace.
    oov_token
        What stands for unknown integers where `invert` is True.
    vocabulary
        The integers, in order; from places 0 and 1 on it may begin with those two tokens.
    vocabulary_dtype
        Must be ``"int64"``.
    idf_weights
        Must be None.
    invert
        Whether to return the integers at places.
    output_mode
        ``"int"``, ``"one_hot"``, ``"multi_hot"`` or ``"count"``.
    sparse
        Must be False.
    pad_to_max_tokens
        Whether there are `max_tokens` categories, however many are known.
    oov_method
        ``"floormod"``, or ``"farmhash"`` for a hash of an integer in place of its remainder.
    salt
        The key of that hash, see `Hashing`.
    name
        The layer's name.
    **kwargs
        ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal, there is no vocabulary when it runs, or an integer has no place.
    UnsupportedError
        If what must not be set is set.

    Examples
    --------
    >>> layer = cnnfast.layers.IntegerLookup(vocabulary=[12, 36, 1138, 42])
    >>> layer(np.array([[12, 1138, 42], [42, 1000, 36]]))
    array([[1., 3., 4.],
           [4., 0., 2.]], dtype=float32)
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: npt.ArrayLike | None = None,
        vocabulary_dtype: str = "int64",
        idf_weights: None = None,
        invert: bool = False,
        output_mode: Literal["int", "one_hot", "multi_hot", "count"] = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: Literal["floormod", "farmhash"] = "floormod",
        salt: int | Sequence[int] | None = None,
        name: str | None = None,
        **kwargs: Unpack[OptionsBesideName],
    ) -> None:
        mode: str = output_mode
        weighed = mode in ("tf_idf", "tf-idf") or idf_weights is not None
        super().__init__("count" if weighed else mode, sparse, name=name, **kwargs)
        self.oov_method = arguments.choice(oov_method, "oov_method", ("floormod", "farmhash"))
        self.salt = checked_salt(salt)
        if self.salt is not None and oov_method != "farmhash":
            raise ValueError(
                "`salt` can only be used when `oov_method='farmhash'`. Received: "
                f"salt={salt}, oov_method={oov_method!r}"
            )
        if weighed or isinstance(vocabulary, str) or vocabulary_dtype != "int64":
            raise self.unsupported(
                "knows integers that are given to it, and weighs none. Received: "
                f"output_mode={output_mode!r}, "
                f"idf_weights={idf_weights!r:.80}, vocabulary_dtype={vocabulary_dtype!r}, "
                f"vocabulary={vocabulary!r:.80}"
            )
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(
                "If `max_tokens` is set for `IntegerLookup`, it must be greater than 1. Received: "
                f"max_tokens={max_tokens}"
            )
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(
                "If pad_to_max_tokens is True, must set `max_tokens`. Received: "
                f"max_tokens={max_tokens}"
            )
        self.max_tokens = max_tokens
        self.num_oov_indices = arguments.integer(num_oov_indices)
        if self.num_oov_indices < 0:
            raise ValueError(
                "The value of `num_oov_indices` argument for `IntegerLookup` must >= 0. Received: "
                f"num_oov_indices={num_oov_indices}"
            )
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert = arguments.boolean(invert, "invert")
        if self.invert and self.output_mode != "int":
            raise ValueError(
                "`output_mode` must be `'int'` when `invert` is true. Received: "
                f"output_mode={output_mode}"
            )
        self.pad_to_max_tokens = arguments.boolean(pad_to_max_tokens, "pad_to_max_tokens")
        self._given = vocabulary is not None
        self._tokens: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        if vocabulary is not None:
            self._set(vocabulary)

    @property
    def _special(self) -> list[int | None]:
        """What stands before the vocabulary: the mask, and what is unknown."""
        masked = self.mask_token is not None and self.output_mode == "int"
        return [*([self.mask_token] if masked else []), *[self.oov_token] * self.num_oov_indices]

    def _set(self, vocabulary: Any) -> None:
        tokens = np.asarray(vocabulary)
        if tokens.ndim != 1 or not tokens.size or tokens.dtype.kind not in "iu":
            raise ValueError(
                f"Layer '{self.name}': a vocabulary must be a list of integers. Received: "
                f"vocabulary={vocabulary!r:.200}"
            )
        special = self._special
        if list(tokens[: len(special)]) == special:
            tokens = tokens[len(special) :]
        reserved = {self.mask_token, *([self.oov_token] if self.invert else [])} - {None}
        numbers, counts = np.unique(tokens, return_counts=True)
        if (counts > 1).any() or reserved & {*tokens.tolist()}:
            raise ValueError(
                f"Layer '{self.name}': The passed vocabulary has at least one repeated term, or a "
                f"token that stands for a mask or unknown terms, {sorted(map(str, reserved))}. "
                f"Received: vocabulary={vocabulary!r:.200}"
            )
        size = len(special) + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"Layer '{self.name}': Attempted to set a vocabulary larger than the maximum vocab "
                f"size. Received: {size} tokens, and max_tokens={self.max_tokens}"
            )
        if len(numbers) and not (numbers[0] > -LARGEST and numbers[-1] < LARGEST):
            raise self.unsupported(
                "knows integers of less than 2 ** 24, as numbers are of float32 here. Received: "
                f"{numbers[0]} to {numbers[-1]}",
                advice="Number the integers anew before they are given to the model.",
            )
        vars(self)["_tokens"] = tokens.astype(np.int64)
        self._changed()

    def set_vocabulary(self, vocabulary: npt.ArrayLike) -> None:
        """Know these integers, in this order, in place of those before.

        Parameters
        ----------
        vocabulary
            The integers, with or without those that stand for the mask and unknown ones.

        Raises
        ------
        ValueError
            If they are no vocabulary.
        """
        self._set(vocabulary)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[int | None]:
        """Return the integers by their places.

        Parameters
        ----------
        include_special_tokens
            Whether to begin with what stands for the mask and unknown integers.
        """
        special = self._special if include_special_tokens else []
        return [*special, *(int(token) for token in self._tokens)]

    def vocabulary_size(self) -> int:
        """Return how many places there are."""
        return len(self._special) + len(self._tokens)

    def adapt(
        self, data: npt.ArrayLike | Iterable[npt.ArrayLike], steps: int | None = None
    ) -> None:
        """Know the integers in `data`, the most frequent first, of equal ones the larger.

        Parameters
        ----------
        data
            An array, a list, or batches of arrays.
        steps
            How many batches; all where None.

        Raises
        ------
        ValueError
            If the layer was made with a vocabulary.
        """
        if self._given:
            raise ValueError(
                f"Cannot adapt layer '{self.name}' after setting a static vocabulary via "
                "`vocabulary` argument or `set_vocabulary()` method."
            )
        whole = hasattr(data, "__array__") or isinstance(data, list | tuple)
        batches = [data] if whole else data
        seen = [
            np.asarray(batch).ravel()
            for number, batch in enumerate(batches)  # type: ignore[arg-type]
            if steps is None or number < steps
        ]
        tokens, counts = np.unique(np.concatenate(seen).astype(np.int64), return_counts=True)
        reserved = [token for token in (self.mask_token, self.oov_token) if token is not None]
        known = ~np.isin(tokens, reserved)
        tokens, counts = tokens[known], counts[known]
        order = np.lexsort((tokens, counts))[::-1]
        room = None if self.max_tokens is None else self.max_tokens - len(self._special)
        self._set(tokens[order[:room]])

    @property
    def depth(self) -> int:
        padded = self.pad_to_max_tokens and self.max_tokens is not None
        return self.max_tokens if padded else self.vocabulary_size()  # type: ignore[return-value]

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        if not len(self._tokens):
            raise self.unsupported(
                "has no vocabulary yet. Received: vocabulary=None",
                advice="Give it `vocabulary`, or call `adapt`. What Keras' `adapt` found is not "
                "read from a file: make the layer once more in Keras, with "
                "`vocabulary=layer.get_vocabulary()`, and save the model again.",
            )
        return super().compute_output_shape(input_shape)

    def result_dtype(self, received: Sequence[str]) -> str:
        return "int64" if self.output_mode == "int" else "float32"

    def lower(self, graph: Graph, x: Value) -> Value:
        self._output_shape(x)
        function = self._integers if self.invert else self._places
        y = graph.add(ops.Call((x,), Value(x.shape), function, self.name))
        return self.encoded(graph, y)

    def _places(self, numbers: Float32Array) -> Float32Array:
        integers = self._whole(numbers)
        order = np.argsort(self._tokens)
        found = np.searchsorted(self._tokens, integers, sorter=order)
        places = order[np.minimum(found, len(order) - 1)]
        known = self._tokens[places] == integers
        masked = self.mask_token is not None and self.output_mode == "int"
        count = self.num_oov_indices
        if count:
            unknown = int(masked) + (self._rest(integers, known) if count > 1 else 0)
        else:
            unknown = np.full_like(places, -1)
        places = np.where(known, places + len(self._special), unknown)
        if self.mask_token is not None:
            # Where the mask is no category, no category is -1.
            places = np.where(integers == self.mask_token, 0 if masked else -1, places)
            known = known | (integers == self.mask_token)
        if not count and not known.all():
            raise ValueError(
                "When `num_oov_indices=0` all inputs should be in vocabulary, found OOV values "
                f"{integers[~known][:5].tolist()}, consider setting `num_oov_indices=1`."
            )
        return places.astype(np.float32)

    def _rest(
        self, integers: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        """Return a number below that of the places for unknown integers, for each."""
        if self.oov_method == "floormod":
            return np.mod(integers, self.num_oov_indices)
        unknown = np.where(known, 0, integers)  # of which there are few
        return fingerprints.buckets(unknown, self.num_oov_indices, self.salt)

    def _integers(self, numbers: Float32Array) -> Float32Array:
        places = self._whole(numbers)
        first = len(self._special)
        inside = (places >= first) & (places < first + len(self._tokens))
        found = self._tokens[np.where(inside, places - first, 0)]
        integers = np.where(inside, found, -1 if self.oov_token is None else self.oov_token)
        if self.mask_token is not None:
            integers = np.where(places == 0, self.mask_token, integers)
        return integers.astype(np.float32)

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        for name in ("vocabulary_size", "has_input_vocabulary"):
            config.pop(name, None)
        mode = config.get("output_mode", "int")
        return config | {"output_mode": _OF_KERAS_2.get(mode, mode)}

    def _config(self) -> dict[str, Any]:
        return {
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": False,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "vocabulary_dtype": "int64",
            "idf_weights": None,
            "vocabulary": self._tokens.tolist() or None,
            "vocabulary_size": self.vocabulary_size() if len(self._tokens) else None,
            "oov_method": self.oov_method,
            "salt": self.salt,
        }
