"""Operations along one axis that pick, order or add up its positions."""

from __future__ import annotations

from cnnfast._core import ScanKind
from cnnfast.engine.ops import BinaryOp, Instruction, UnaryOp
from cnnfast.utils.records import record


@record(frozen=True, eq=False)
class Extreme(UnaryOp):
    """The position of the largest or smallest number along `axis`, the first of equal ones.

    -0 is below 0, and NaN counts as either. The shape of `out` says whether the axis stays, with
    size 1.
    """

    axis: int
    largest: bool

    @property
    def instruction(self) -> Instruction:
        arguments = (self.x, self.out.shape, self.axis, self.largest)
        return Instruction("extreme", arguments)


@record(frozen=True, eq=False)
class Order(UnaryOp):
    """The first positions along `axis` in the order of their numbers; as many as `out` has.

    Equal numbers stay in order. NaN is larger than all numbers.
    """

    axis: int
    descending: bool

    @property
    def instruction(self) -> Instruction:
        arguments = (self.x, self.axis, self.out.shape[self.axis], self.descending)
        return Instruction("order", arguments)


@record(frozen=True, eq=False)
class Scan(UnaryOp):
    """The sum or product of all positions along `axis` up to each."""

    axis: int
    kind: ScanKind

    @property
    def instruction(self) -> Instruction:
        return Instruction("scan", (self.x, self.axis, self.kind))


@record(frozen=True, eq=False)
class Gather(BinaryOp):
    """What stands in `x` along `axis` at the positions in `y`.

    `y` has the axes of `x`; those behind `axis` may be 1 each, and then a position picks all behind
    it. Below 0, positions count from the end; NaN where there is no such position.
    """

    axis: int

    @property
    def instruction(self) -> Instruction:
        return Instruction("gather", (self.x, self.y, self.out.shape, self.axis))
