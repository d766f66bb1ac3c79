"""Dtype policies: kept for configs. The core computes in float32 under each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.utils.records import record

_CLASSES = ("DTypePolicy", "FloatDTypePolicy", "Policy", "PolicyV1")
_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
_PLAIN = (
    *("float16", "bfloat16", "float32", "float64"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"),
)


@record(frozen=True)
class DTypePolicy:
    """The dtype of a layer's numbers, by the name of Keras' policy.

    Attributes
    ----------
    name
        ``"float32"``, ``"mixed_float16"`` or, of a quantized layer, ``"int8_from_float32"``.
    amax_history_length
        How many maxima a layer quantized to float8 keeps.
    inside
        The policies of layers inside, by their names, where they have others.
    """

    name: str
    amax_history_length: int = 1024
    inside: tuple[tuple[str, str], ...] = ()

    @property
    def variable_dtype(self) -> str:
        """The dtype in which Keras keeps the weights."""
        return "float32" if self.name in _MIXED or "_" in self.name else self.name

    @property
    def compute_dtype(self) -> str:
        """The dtype in which Keras computes."""
        return _MIXED.get(self.name, self.variable_dtype)

    @property
    def quantization_mode(self) -> str | None:
        """How weights are quantized, such as ``"int8"``; None where they are not."""
        mode, quantized, _ = self.name.partition("_from_")
        return mode.split("/")[0] if quantized else None

    def of(self, name: str) -> str:
        """Return the name of the policy of the layer of that name inside."""
        return dict(self.inside).get(name, self.name)

    def get_config(self) -> dict[str, Any]:
        """Return Keras 3's config object."""
        if self.quantization_mode is not None or self.inside:
            from cnnfast.symbolic import quantization

            return quantization.config_of(self)
        return {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": self.name},
            "registered_name": None,
        }


class Integers(Enum):
    """What a layer of Keras makes of integers, which it takes as they are: it casts only floats.

    The core computes in float32, so what gives other numbers there has to be refused.
    """

    CAST = auto()
    """Floats, the same as of equal floats."""
    KEPT = auto()
    """The same integers, picked and moved."""
    COMPUTED = auto()
    """Integers of arithmetic, which wraps around in small dtypes."""
    PROMOTED = auto()
    """Floats, of arithmetic that begins in integers and wraps around there in small dtypes."""
    REFUSED = auto()
    """Numbers that depend on the dtype."""


def integer(dtype: str) -> str | None:
    """Return `dtype` if it is one of integers, else None."""
    return dtype if dtype.startswith(("int", "uint")) else None


def wraps(dtype: str) -> bool:
    """Whether arithmetic in `dtype` may wrap around with the numbers of images."""
    return dtype == "bool" or (dtype not in ("int32", "int64") and integer(dtype) is not None)


def arithmetic(dtype: str) -> str:
    """Return `dtype`, in which something is added or multiplied.

    Raises
    ------
    UnsupportedError
        If that may wrap around.
    """
    if wraps(dtype):
        raise UnsupportedError(
            "arithmetic of small or unsigned integers wraps around, which the core, working in "
            f"float32, does not. Received: dtype {dtype}",
            advice="Cast to float32 first.",
        )
    return dtype


def result(rule: Integers, received: Sequence[str], compute_dtype: str) -> str:
    """Return the dtype that a layer makes of tensors of the dtypes `received`.

    Raises
    ------
    UnsupportedError
        If float32 arithmetic would give other numbers than Keras.
    """
    if not all(dtype == "bool" or integer(dtype) for dtype in received):
        return compute_dtype
    joined = np.result_type(*received).name
    computes = rule in (Integers.COMPUTED, Integers.PROMOTED)
    if rule is Integers.REFUSED or (computes and wraps(joined)):
        raise UnsupportedError(
            "Keras computes this layer in the dtype of the integers that it gets, and the core in "
            f"float32, which gives other numbers. Received: {joined}",
            advice="Cast to float32 first, for example by `Rescaling(1.0)`.",
        )
    return joined if rule in (Integers.KEPT, Integers.COMPUTED) else compute_dtype


_NARROW = {"float64": "float32", "int64": "int32", "uint64": "uint32"}


def narrow(dtype: str) -> str:
    """Return `dtype` with 32 bits in place of 64, as Keras has it."""
    return _NARROW.get(dtype, dtype)


def joined(*received: str) -> str:
    """Return the dtype of what is computed of several; ``"int"`` and ``"float"`` adapt to others.

    Those stand for Python's numbers. The rules are those of Keras, and of JAX in 32 bits.
    """
    floats = {dtype for dtype in received if dtype.startswith(("float", "bfloat"))} - {"float"}
    if len(floats) == 1:
        return narrow(floats.pop())
    if floats or "float" in received:
        return "float32"
    plain = {dtype for dtype in received if dtype != "int"}
    if not plain or (plain == {"bool"} and "int" in received):
        return "int32"
    return narrow(np.result_type(*plain).name)


def policy(dtype: object) -> DTypePolicy:
    """Return the policy for a name, NumPy dtype, policy or config of Keras 2 or 3.

    Raises
    ------
    UnsupportedError
        For a quantized policy of layers that compute in another dtype than float32.
    ValueError
        For an unknown name.
    """
    if dtype is None:
        return DTypePolicy("float32")
    if isinstance(dtype, DTypePolicy):
        return dtype
    if isinstance(dtype, Mapping):
        if dtype.get("class_name") not in _CLASSES:
            return _quantized_in(dtype)
        dtype = _name_in_config(dtype)
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if name is None and isinstance(dtype, type):
        name = np.dtype(dtype).name
    if isinstance(name, str) and "_from_" in name:
        from cnnfast.symbolic import quantization

        quantization.parse(name)
        return DTypePolicy(name)
    if name not in _MIXED and name not in _PLAIN:
        raise ValueError(
            f"Argument `dtype` must be one of {[*_MIXED, *_PLAIN]}. Received: {dtype!r}"
        )
    return DTypePolicy(str(name))


def _name_in_config(config: Mapping[str, Any]) -> object:
    inner = config.get("config")
    return inner.get("name") if isinstance(inner, Mapping) else None


def _quantized_in(config: Mapping[str, Any]) -> DTypePolicy:
    from cnnfast.symbolic import quantization

    return DTypePolicy(*quantization.in_config(config))
