"""Weights: arrays that are replaced, never written to, so that a running plan stays valid."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

from cnnfast.utils.arithmetic import Arithmetic
from cnnfast.utils.locks import Guard
from cnnfast.utils.naming import auto_name, current_scope
from cnnfast.utils.rooms import Slot

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.regularizers import Regularizer

Float32Array: TypeAlias = "npt.NDArray[np.float32]"
WeightInitializer: TypeAlias = "Callable[..., npt.ArrayLike]"

initializers = Slot("initializer")
"""`get` of initializers, which stand above."""

_LARGEST = 2**24  # float32 has all integers up to it

_epochs = itertools.count(1)
_epoch = 0
_guard = Guard()
_read: ContextVar[dict[Variable, None] | None] = ContextVar("cnnfast_read", default=None)
_collected: ContextVar[list[tuple[Variable, Float32Array | Stored]] | None] = ContextVar(
    "cnnfast_collected", default=None
)
_snapshot: ContextVar[Mapping[Variable, Float32Array | Stored]] = ContextVar(
    "cnnfast_snapshot", default=MappingProxyType({})
)


def epoch() -> int:
    """Count the changes of any variable or layer so far: unchanged means all plans are current."""
    return _epoch


def advance() -> int:
    """Count one change more, of a variable or a layer, once it is made; return its number."""
    global _epoch  # noqa: PLW0603
    with _guard.lock:
        _epoch = next(_epochs)
        return _epoch


@contextmanager
def unchanging() -> Iterator[list[Variable]]:
    """Refuse assignments in a ``with`` block; yields the variables that are read in it."""
    read: dict[Variable, None] = {}
    token = _read.set(read)
    found: list[Variable] = []
    try:
        yield found
    finally:
        _read.reset(token)
        found += read
        outer = _read.get()
        if outer is not None:
            outer |= read


@contextmanager
def changing() -> Iterator[None]:
    """Allow assignments in a ``with`` block again: a layer inside is being built."""
    token = _read.set(None)
    try:
        yield
    finally:
        _read.reset(token)


@contextmanager
def snapshot(variables: Iterable[Variable]) -> Iterator[None]:
    """Let `variables` keep the numbers they have now for whoever reads them in a ``with`` block.

    They are those of one moment: of what `replace_all` replaces, all or nothing. Nobody waits:
    other threads may assign meanwhile, and see what they assigned.
    """
    kept = list(variables)
    for variable in kept:
        variable.numbers()  # drawn now, where it was not, and not while others wait
    with _guard.lock:
        numbers = {variable: variable.numbers() for variable in kept}
    token = _snapshot.set(numbers)
    try:
        yield
    finally:
        _snapshot.reset(token)


def replace_all(assignments: Iterable[tuple[Variable, npt.NDArray[Any] | Stored]]) -> None:
    """Do what `Variable.set_loaded` does for several at once: a `snapshot` has all or none."""
    with _guard.lock:
        for variable, numbers in assignments:
            variable.set_loaded(numbers)


@contextmanager
def collected() -> Iterator[list[tuple[Variable, Float32Array | Stored]]]:
    """Yield the assignments that are made in a ``with`` block, none of which takes place."""
    pairs: list[tuple[Variable, Float32Array | Stored]] = []
    token = _collected.set(pairs)
    try:
        yield pairs
    finally:
        _collected.reset(token)


class Stored(Protocol):
    """Numbers that stay in a file until they are needed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        ...

    def read(self) -> Float32Array:
        """Return the numbers, in a new array."""
        ...

    def rows(self, first: int, last: int) -> Float32Array:
        """Return rows `first` to ``last - 1`` of the last axis, in a new array."""
        ...


class Variable(Arithmetic):
    """One weight of a layer. Operators compute with its numbers at once.

    Parameters
    ----------
    initializer
        The numbers, any shape; or an initializer, or its name.
    shape
        Of what an initializer makes.
    dtype
        ``"float32"``, which None is, or ``"int32"`` of integers of up to 2**24, such as indices.
    trainable
        Whether training would change it.
    name
        Such as ``"kernel"``; made up where None.
    path
        Name under its layer and model, such as ``"sequential/conv2d/kernel"``.

    Attributes
    ----------
    regularizer
        The penalty on it, which is part of a model's loss; None for none.
    """

    regularizer: Regularizer | None
    _dtype = "float32"  # the numbers are float32 in memory, where integers are whole
    _shape: tuple[int, ...]
    _value: Float32Array | None
    _stored: Stored | None
    _initializer: WeightInitializer | None

    def __init__(
        self,
        initializer: npt.ArrayLike | WeightInitializer | str,
        shape: Iterable[int] | None = None,
        dtype: object = None,
        trainable: bool = True,
        *,
        name: str | None = None,
        path: str | None = None,
    ) -> None:
        kind = _kind(dtype)
        name = auto_name("variable") if name is None else name
        scope = current_scope()
        self._describe(name, trainable, path or (f"{scope}/{name}" if scope else name))
        self._dtype = kind
        if isinstance(initializer, str):
            initializer = initializers.get(initializer)
        value: Any = initializer
        if callable(initializer):
            if shape is None:
                raise ValueError(
                    "When creating a Variable from an initializer, the `shape` argument should be "
                    f"specified. Received: initializer={initializer} and shape={shape}"
                )
            value = initializer(tuple(shape))
        whole = value if kind == "float32" else _checked_whole(np.asarray(value))
        array = _frozen(np.array(whole, dtype=np.float32, order="C"))
        self._value, self._shape = array, array.shape

    @classmethod
    def deferred(
        cls,
        shape: tuple[int, ...],
        initializer: WeightInitializer,
        *,
        name: str,
        trainable: bool = True,
        path: str | None = None,
        dtype: str | None = None,
    ) -> Variable:
        """Make a variable whose numbers are drawn when first asked for.

        Loading a file replaces them, so building a model to load it draws none.
        """
        variable = object.__new__(cls)
        variable._describe(name, trainable, path)
        variable._dtype = _kind(dtype)
        variable._shape = shape
        variable._initializer = initializer
        return variable

    def _describe(self, name: str, trainable: bool, path: str | None) -> None:
        self.name = name
        self.path = path or name
        self.trainable = trainable
        self.regularizer = None
        self._value = self._stored = self._initializer = None
        self._version = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, fixed for the variable's life."""
        return self._shape

    @property
    def dtype(self) -> str:
        """``"float32"``, ``"int32"``, or that of the integers of a quantized layer."""
        return self._dtype

    @property
    def itemsize(self) -> int:
        """Bytes of a number in memory."""
        return 4

    @property
    def version(self) -> int:
        """Grows with each assignment, and is never the same for two assignments."""
        return self._version

    @property
    def storage(self) -> Literal["own", "file", "deferred"]:
        """Where the numbers are: in memory, in a file, or not drawn yet."""
        if self._value is not None:
            return "own"
        return "deferred" if self._stored is None else "file"

    def numpy(self) -> Float32Array:
        """Return the numbers as a read-only, C-contiguous array, float32 unless they are integers.

        It is the variable's own where they are in memory, and read anew where they are in a file.

        Raises
        ------
        ModelFileError
            They are in a file that was written to.
        """
        numbers = self.numbers()
        array = numbers if isinstance(numbers, np.ndarray) else _frozen(numbers.read())
        return _whole(array) if self._dtype == "int32" else array

    def numbers(self) -> Float32Array | Stored:
        """Return the numbers, or where they stay in their file: those of a `snapshot` in force."""
        read = _read.get()
        if read is not None:
            read[self] = None
        kept = _snapshot.get().get(self)
        if kept is not None:
            return kept
        value, stored = self._value, self._stored
        if value is not None:
            return value
        return self._initialize() if stored is None else stored

    @property
    def value(self) -> Float32Array:
        """The same as `numpy()`."""
        return self.numpy()

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._shape)

    def assign(self, value: npt.ArrayLike) -> Variable:
        """Replace the numbers by a copy of `value`.

        Raises
        ------
        ValueError
            If the shape of `value` is not the variable's.
        """
        if _read.get() is not None:
            raise ValueError(
                "A layer's `call` must not change its weights: it runs once, on tensors without "
                "numbers, and not when the model predicts. Received: an assignment to "
                f"{self!r}"
            )
        numbers = self.converted(value)
        self._check_shape(numbers.shape)
        pairs = _collected.get()
        if pairs is None:
            self.set_loaded(numbers)
        else:
            pairs.append((self, numbers))
        return self

    def converted(self, value: npt.ArrayLike) -> Float32Array | Stored:
        """Return a copy of `value` as the variable holds its numbers."""
        whole = _checked_whole(np.asarray(value)) if self._dtype == "int32" else value
        return _frozen(np.array(whole, dtype=np.float32, order="C"))

    def assign_add(self, value: npt.ArrayLike) -> Variable:
        """Add to the numbers."""
        return self.assign(self.numpy() + np.asarray(value, np.float32))

    def assign_sub(self, value: npt.ArrayLike) -> Variable:
        """Subtract from the numbers."""
        return self.assign(self.numpy() - np.asarray(value, np.float32))

    def set_loaded(self, array: npt.NDArray[Any] | np.generic | Stored) -> None:
        """Replace the numbers by `array` itself, or by what can be read from a file.

        Nothing may write to `array` afterwards. It is copied only where it is not float32 and
        C-contiguous.

        Raises
        ------
        ValueError
            If the shape of `array` is not the variable's.
        """
        self._check_shape(array.shape)
        if isinstance(array, (np.ndarray, np.generic)):
            if self._dtype == "int32":
                _checked_whole(np.asarray(array))
            self._replace(_frozen(array))
        else:
            self._replace(None, array)

    def _replace(self, value: Float32Array | None, stored: Stored | None = None) -> None:
        with _guard.lock:
            self._value = value
            self._stored = stored
            self._initializer = None
            self._version = advance()

    def _initialize(self) -> Float32Array | Stored:
        with _guard.lock:
            if self._value is None:
                if self._stored is not None:  # loaded by another thread in the meantime
                    return self._stored
                assert self._initializer is not None
                value = _frozen(self._initializer(self._shape, dtype="float32"))
                self._check_shape(value.shape)
                self._value = value
                self._initializer = None
            return self._value

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        if shape != self._shape:
            raise ValueError(
                "The shape of the target variable and the shape of the target value in "
                f"`variable.assign(value)` must match. variable.shape={self._shape}, "
                f"Received: value.shape={shape}. Target variable: {self!r}"
            )

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        if copy is False:
            return np.asarray(self.numpy(), dtype=dtype)
        return np.array(self.numpy(), dtype=dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        # The array itself is shared: it is never written to.
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        memo[id(self)] = twin
        return twin

    def __getstate__(self) -> tuple[dict[str, Any], Float32Array | Stored]:
        empty = {"_value": None, "_stored": None, "_initializer": None}
        return self.__dict__ | empty, self.numbers()

    def __setstate__(self, state: tuple[dict[str, Any], Float32Array | Stored]) -> None:
        attributes, numbers = state
        self.__dict__.update(attributes)
        if isinstance(numbers, np.ndarray):
            self._value = _frozen(numbers)
        else:
            self._stored = numbers

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"


def _kind(dtype: object) -> str:
    name = dtype if isinstance(dtype, str | None) else np.dtype(dtype).name  # type: ignore[call-overload]
    kind = {None: "float32", "float": "float32", "int": "int32"}.get(name, name)
    if kind not in ("float32", "int32"):
        raise ValueError(
            "A variable holds float32 or int32: keep other numbers in an array. Received: "
            f"dtype={name!r}"
        )
    return kind


def _checked_whole(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return integers that float32 has exactly.

    Raises
    ------
    ValueError
        If one is none.
    """
    small = bool((np.abs(array.astype(np.float64)) <= _LARGEST).all())
    if array.dtype.kind in "iub" and small:
        return array
    whole = array.dtype.kind == "f" and small and bool((array == np.trunc(array)).all())
    if not whole:
        raise ValueError(
            "A variable of int32 holds integers of up to 2**24, as its numbers meet float32. "
            f"Received: {array!r:.200}"
        )
    return array


def _whole(array: Float32Array) -> Any:
    """Return float32 as the integers that they are, not to be written to."""
    made = _checked_whole(array).astype(np.int32)
    made.flags.writeable = False
    return made


def _frozen(value: npt.ArrayLike) -> Float32Array:
    # A new view is made read-only, not the caller's own array.
    array = np.asarray(value, dtype=np.float32, order="C").view()
    array.flags.writeable = False
    return array
