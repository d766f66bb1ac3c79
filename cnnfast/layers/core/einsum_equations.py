"""Equations of products with a kernel in the three forms that Keras takes."""

from __future__ import annotations

import re
import string

from cnnfast.engine.ops import BatchShape
from cnnfast.errors import UnsupportedError
from cnnfast.utils.records import record

_FORM = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


@record(frozen=True)
class Equation:
    """``bc...,cde->bde...`` as letters: `inputs` bc, `kernel` cde, `outputs` bde, `after`.

    `before` and `after` say where an ellipsis stands. The batch is the first axis.
    """

    inputs: str
    kernel: str
    outputs: str
    before: bool
    after: bool

    @property
    def given(self) -> str:
        """The letters that `output_shape` has sizes of."""
        return self.outputs if self.before else self.outputs[1:]

    @property
    def least_rank(self) -> int:
        """How many axes an input has at least, with the batch."""
        return len(self.inputs) + self.before

    def axes(self, rank: int) -> tuple[str, str]:
        """Return the letters of an input of `rank` axes and of its output, without the batch."""
        used = self.inputs + self.kernel + self.outputs
        free = [letter for letter in string.ascii_letters if letter not in used]
        elided = "".join(free[: rank - len(self.inputs)])
        if self.before:
            return (elided + self.inputs)[1:], (elided + self.outputs)[1:]
        return (self.inputs + elided)[1:], (self.outputs + elided)[1:]

    def sizes(self, input_shape: BatchShape, output_shape: BatchShape) -> dict[str, int | None]:
        """Return the size of each letter but that of the batch.

        Raises
        ------
        ValueError
            If both shapes have a size of a letter, and not the same.
        """
        letters, _ = self.axes(len(input_shape))
        sizes = dict(zip(letters, input_shape[1:], strict=True))
        for letter, size in zip(self.given, output_shape, strict=True):
            known = sizes.get(letter)
            if None not in (known, size) and known != size:
                raise ValueError(
                    f"Input shape and output shape do not match at shared dimension '{letter}'. "
                    f"Received: input shape {input_shape} and output_shape={output_shape}"
                )
            sizes[letter] = size if known is None else known
        return sizes


def parse(equation: object) -> Equation:
    """Return what `equation` says.

    Raises
    ------
    ValueError
        If it is of another form, or a letter stands where it means nothing.
    UnsupportedError
        If the batch takes part in the product.
    """
    found = _FORM.fullmatch(equation) if isinstance(equation, str) else None
    if found is None or (found[1], found[3]) != (found[5], found[7]) or (found[1] and found[3]):
        raise ValueError(
            f"Invalid einsum equation '{equation}'. Equations must be in the form [X],[Y]->[Z], "
            f"...[X],[Y]->...[Z], or [X]...,[Y]->[Z].... Received: equation={equation!r}"
        )
    before, inputs, after, kernel, outputs = found[1], found[2], found[3], found[4], found[6]
    for letter in outputs + kernel:
        others = (inputs + kernel, inputs + outputs)[letter not in outputs]
        if letter not in others:
            raise ValueError(
                f"Dimension '{letter}' was specified in the output or the weights and has no "
                f"corresponding dim elsewhere. Received: equation={equation!r}"
            )
    if any(len(set(letters)) != len(letters) for letters in (inputs, kernel, outputs)):
        raise UnsupportedError(
            f"An axis may stand once in each part of an equation. Received: equation={equation!r}"
        )
    if not before and (inputs[0] != outputs[0] or inputs[0] in kernel):
        raise UnsupportedError(
            "The first axis of the input of an EinsumDense is the batch: the first of the output, "
            f"too, and none of the kernel. Received: equation={equation!r}"
        )
    return Equation(inputs, kernel, outputs, bool(before), bool(after))
