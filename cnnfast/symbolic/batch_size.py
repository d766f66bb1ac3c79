"""The number of images of a symbolic tensor, which nobody knows while a model is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from cnnfast.errors import UnsupportedError

if TYPE_CHECKING:
    from cnnfast.symbolic.tensor import KerasTensor

_ADVICE = (
    "Give it to an operation as it is: `ops.reshape(x, (batch, n, -1))`, "
    "`ops.broadcast_to(v, (batch, n, c))`, `ops.tile(v, (batch, 1, 1))`, "
    "`ops.repeat(v, batch, axis=0)`, `ops.zeros((batch, n))`."
)


class BatchSize:
    """Stands for the batch of `tensor` in a shape, or a multiple of it.

    Operations take it where the batch's size belongs. It has no value: images run alone, in
    batches of any size. Where images are moved into it in parts, such as windows, it counts these;
    two are equal that count as many for each image.
    """

    __array_ufunc__ = None
    __slots__ = ("parts", "tensor")

    def __init__(self, tensor: KerasTensor, parts: int | None = None) -> None:
        self.tensor = tensor
        self.parts = tensor.parts if parts is None else parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BatchSize) and other.parts == self.parts

    def __hash__(self) -> int:
        return hash((BatchSize, self.parts))

    def __repr__(self) -> str:
        return "<the batch>" if self.parts == 1 else f"<{self.parts} times the batch>"

    def __index__(self) -> int:  # noqa: PLE0305 - there is none
        self._refuse("an integer made of it")

    __int__ = __float__ = __trunc__ = __index__

    def __bool__(self) -> bool:  # noqa: PLE0304 - there is none
        self._refuse("a condition on it")

    def __mul__(self, other: Any) -> BatchSize:
        if isinstance(other, int | np.integer) and other >= 1:
            return BatchSize(self.tensor, self.parts * int(other))
        self._refuse(f"batch * {other}")

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> BatchSize:
        whole = isinstance(other, int | np.integer) and other >= 1 and self.parts % other == 0
        if whole:
            return BatchSize(self.tensor, self.parts // int(other))
        self._refuse(f"batch // {other}")

    def _refuse(self, received: str) -> NoReturn:
        raise UnsupportedError(
            "the size of a batch is not known while a model is drawn, and images are not parted "
            f"or joined along it by sums: each runs alone. Received: {received}, of {self.tensor}",
            advice=_ADVICE,
        )


def in_sizes(x: Any) -> bool:
    """Whether `x` is the size of a batch, or a list of sizes with one."""
    if isinstance(x, list | tuple):
        return any(isinstance(size, BatchSize) for size in x)
    return isinstance(x, BatchSize)


def joined_sizes(parts: Iterable[Any]) -> list[Any]:
    """Return sizes, and lists and arrays of them, as one list."""
    return [size for part in parts for size in (part if in_sizes(part) else _listed(part))]


def _listed(part: Any) -> list[Any]:
    listed: list[Any] = np.atleast_1d(np.asarray(part)).tolist()
    return listed


def _refused(sign: str, name: str) -> None:
    def refuse(self: BatchSize, other: Any) -> NoReturn:
        self._refuse(f"batch {sign} {other}")

    setattr(BatchSize, f"__{name}__", refuse)


for _sign, _name in (
    *(("+", "add"), ("+", "radd"), ("-", "sub"), ("-", "rsub"), ("/", "truediv")),
    *(("/", "rtruediv"), ("//", "rfloordiv"), ("%", "mod"), ("%", "rmod"), ("**", "pow")),
    *(("<", "lt"), ("<=", "le"), (">", "gt"), (">=", "ge")),
):
    _refused(_sign, _name)
