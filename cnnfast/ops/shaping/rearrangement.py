"""Axes split, reordered and joined as a pattern says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import call, refuse_batch
from cnnfast.ops.shaping.arrangement import reshape, transpose
from cnnfast.ops.shaping.pieces import shape_of
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Tensor


def _groups(side: str) -> list[list[str]]:
    """Return the names of each axis; several in parentheses are one axis."""
    parts = re.findall(r"\([^()]*\)|[^\s()]+", side)
    return [part.strip("()").split() for part in parts]


class Rearrange(Composite):
    """Axes split, reordered and joined as a pattern says, such as ``b (h p) c -> b h (p c)``."""

    module = "keras.src.ops.einops"

    def composed(self, tensor: Any, pattern: str, **axes_lengths: int) -> Any:
        before, arrow, after = pattern.partition("->")
        left, right = _groups(before), _groups(after)
        names, made = ([name for group in side for name in group] for side in (left, right))
        kept = [name for name in made if name != "1"]
        shape = shape_of(tensor)
        known = len(left) == len(shape) and sorted(n for n in names if n != "1") == sorted(kept)
        if not arrow or not known or len(set(kept)) < len(kept):
            raise ValueError(
                f"a pattern must name the {len(shape)} axes on both sides, each once. Received: "
                f"pattern={pattern!r}"
            )
        if isinstance(tensor, KerasTensor) and left[0][:1] != right[0][:1]:
            refuse_batch(f"pattern={pattern!r}")
        # What stands first is the batch, beside which windows may stand.
        sizes = self._sizes(left, shape, axes_lengths)
        y = reshape(tensor, [self._size(sizes, name) for name in names if name != "1"])
        order = [name for name in names if name != "1"]
        y = transpose(y, [order.index(name) for name in kept])
        return reshape(y, [self._joined(sizes, group) for group in right])

    def _sizes(self, groups: list[list[str]], shape: Any, given: Any) -> dict[str, int | None]:
        sizes: dict[str, int | None] = dict(given)
        for group, size in zip(groups, shape, strict=True):
            unknown = [name for name in group if name not in sizes and name != "1"]
            rest = int(np.prod([sizes.get(name) or 1 for name in group]))
            if len(unknown) > 1 or (size is not None and size % rest):
                raise ValueError(
                    f"the sizes of {group} must make {size}. Received: axes_lengths={given}"
                )
            for name in unknown:
                sizes[name] = None if size is None else size // rest
        return sizes

    def _size(self, sizes: dict[str, int | None], name: str) -> int:
        size = sizes[name]
        return -1 if size is None else size

    def _joined(self, sizes: dict[str, int | None], group: list[str]) -> int:
        known = [1 if name == "1" else sizes[name] for name in group]
        return -1 if None in known else int(np.prod([size or 1 for size in known]))


def rearrange(tensor: Tensor, pattern: str, **axes_lengths: int) -> Tensor:
    """Return axes split, reordered and joined as a pattern says.

    Parameters
    ----------
    pattern
        Names of the axes before and after, such as ``"b (h p) c -> b h (p c)"``.
    **axes_lengths
        Sizes of axes that are split.

    Examples
    --------
    >>> cnnfast.ops.rearrange(np.ones((2, 6, 3)), "b (h p) c -> b h (p c)", p=2).shape
    (2, 3, 6)
    """
    return call(Rearrange(), tensor, pattern, **axes_lengths)
