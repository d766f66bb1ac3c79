"""Checks of layer arguments: what comes from a user or a file leaves as plain, legal values."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cnnfast.engine.ops import BatchShape
from cnnfast.utils import choices
from cnnfast.utils.naming import is_layer_name

choice, data_format = choices.choice, choices.data_format

# What the core counts with.
_LARGEST = 2**31 - 1


def integer(value: object) -> int:
    """Return `value` as an int; TypeError if it is not integral, or a bool."""
    if isinstance(value, bool):
        raise TypeError(f"Expected an integer. Received: {value!r}")
    return operator.index(value)  # type: ignore[arg-type]


def whole(value: object, name: str) -> int:
    """Return argument `name` as an int; the TypeError of what is none says Keras' words."""
    try:
        return integer(value)
    except TypeError as error:
        raise TypeError(f"Expected an integer value for `{name}`. Received: {value!r}") from error


def positive_integer(value: object, rule: str) -> int:
    """Return `value` as an int above 0 and below 2**31; the ValueError begins with `rule`."""
    try:
        number = integer(value)
    except TypeError:
        number = 0
    if not 0 < number <= _LARGEST:
        raise ValueError(f"{rule} Received: {value!r}")
    return number


def positive_integers(value: object, count: int, name: str) -> tuple[int, ...]:
    """Return `value`, one integer or `count` of them, as a tuple of `count` integers above 0."""
    rule = f"The `{name}` argument must be a tuple of {count} integers."
    try:
        values = tuple(value) if isinstance(value, Iterable) else (value,) * count
        numbers = tuple(integer(v) for v in values)
    except TypeError as error:
        raise ValueError(f"{rule} Received: {name}={value!r}") from error
    if len(numbers) != count:
        raise ValueError(f"{rule} Received: {name}={value!r}")
    bad = {number for number in numbers if not 0 < number <= _LARGEST}
    if bad:
        raise ValueError(
            f"{rule} Received: {name}={value!r}, including values {bad} that do not satisfy "
            f"`value > 0` and `value <= {_LARGEST}`"
        )
    return numbers


def number(value: object, name: str) -> float:
    """Return `value` as a float; also the form in which some Keras 2 files store a scalar."""
    if type(value) is float:
        return value
    if isinstance(value, Mapping):
        value = value.get("value")
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise ValueError(f"Argument `{name}` must be a number. Received: {value!r}") from error


def boolean(value: object, name: str) -> bool:
    """Return `value`, which must be a bool or, as some files have it, 0 or 1."""
    if value not in (True, False):
        raise ValueError(f"Expected `{name}` to be a boolean. Received: {name}={value!r}")
    return bool(value)


def axes(value: object, name: str) -> tuple[int, ...]:
    """Return one axis or several; a dict is how Keras 2 files may store a list."""
    if isinstance(value, Mapping):
        value = list(value.values())
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    try:
        numbers = tuple(integer(v) for v in values)
    except TypeError as error:
        raise ValueError(
            f"The `{name}` argument must be an integer or a list of them. Received: {value!r}"
        ) from error
    if not numbers:
        raise ValueError(f"The `{name}` argument must not be empty. Received: {value!r}")
    return numbers


def check_axes(axis: int | Sequence[int], input_shape: BatchShape, layer_name: str) -> None:
    """Raise ValueError unless each axis of a layer is one of its input and not the batch."""
    rank = len(input_shape)
    for one in [axis] if isinstance(axis, int) else axis:
        if not -rank < one < rank or one == 0:
            raise ValueError(
                f"Layer '{layer_name}': axis {one} is out of bounds for input shape "
                f"{input_shape}, or is the batch. Received: axis={axis}"
            )


def layer_name(value: object) -> str:
    """Return a layer's name: a string, and only in files one with ``/``."""
    if not isinstance(value, str) or not is_layer_name(value):
        raise ValueError(
            "Argument `name` must be a string and cannot contain character `/`. "
            f"Received: name={value!r} (of type {type(value)})"
        )
    return value


def shape(value: Any) -> BatchShape:
    """Return `value` as a tuple of sizes and None.

    Raises
    ------
    ValueError
        If it is no sequence of None and integers of at least 0.
    """
    if not isinstance(value, tuple) and (isinstance(value, str) or not isinstance(value, Iterable)):
        raise ValueError(
            f"Cannot convert '{value}' to a shape. It must be a list of integers and None. "
            f"Received: {value!r}"
        )
    sizes: list[int | None] = []
    for size in value:
        try:
            sizes.append(None if size is None else integer(size))
        except TypeError as error:
            raise ValueError(
                f"Cannot convert '{value}' to a shape. A size must be an integer or None. "
                f"Received: {size!r}"
            ) from error
    if any(size is not None and size < 0 for size in sizes):
        raise ValueError(
            f"Cannot convert '{value}' to a shape. Negative dimensions are not allowed. "
            f"Received: {value!r}"
        )
    return tuple(sizes)


def pop_first_shape(kwargs: dict[str, Any]) -> BatchShape | None:
    """Take the shape arguments of a first layer out of `kwargs`; return them with the batch."""
    batch_size = kwargs.pop("batch_size", None)
    batch_shape = kwargs.pop("batch_input_shape", None)
    if batch_shape is None:
        batch_shape = kwargs.pop("batch_shape", None)
    dim, sizes = kwargs.pop("input_dim", None), kwargs.pop("input_shape", None)
    if sizes is None and dim is not None:
        sizes = (dim,)
    if batch_shape is not None:
        return shape(batch_shape)
    if sizes is None:
        return None
    return shape((batch_size, *shape(sizes)))


def without_lora(config: dict[str, Any]) -> dict[str, Any]:
    """Drop a low-rank adapter: Keras stores the kernel with the adapter already added."""
    return {key: v for key, v in config.items() if key not in ("lora_rank", "lora_alpha")}


def adapter_scale(config: Mapping[str, Any]) -> float | None:
    """Return by what the product of a low-rank adapter is multiplied; None without one."""
    rank, alpha = config.get("lora_rank"), config.get("lora_alpha")
    if not isinstance(rank, int) or rank <= 0:
        return None
    return 1.0 if alpha is None else number(alpha, "lora_alpha") / rank
