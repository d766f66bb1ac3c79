"""Arithmetic and indexing on symbolic tensors, which make operations of `cnnfast.ops`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast.symbolic.registry import OPERATIONS

if TYPE_CHECKING:
    from cnnfast.symbolic.tensor import KerasTensor
    from cnnfast.symbolic.typing import Operand


class Operators:
    """What Python's operators do on what has it among its bases."""

    def __add__(self, other: Operand) -> KerasTensor:
        return _operation("Add", self, other)

    def __radd__(self, other: Operand) -> KerasTensor:
        return _operation("Add", other, self)

    def __sub__(self, other: Operand) -> KerasTensor:
        return _operation("Subtract", self, other)

    def __rsub__(self, other: Operand) -> KerasTensor:
        return _operation("Subtract", other, self)

    def __mul__(self, other: Operand) -> KerasTensor:
        return _operation("Multiply", self, other)

    def __rmul__(self, other: Operand) -> KerasTensor:
        return _operation("Multiply", other, self)

    def __truediv__(self, other: Operand) -> KerasTensor:
        return _operation("TrueDivide", self, other)

    def __rtruediv__(self, other: Operand) -> KerasTensor:
        return _operation("TrueDivide", other, self)

    def __floordiv__(self, other: Operand) -> KerasTensor:
        return _operation("FloorDivide", self, other)

    def __rfloordiv__(self, other: Operand) -> KerasTensor:
        return _operation("FloorDivide", other, self)

    def __pow__(self, other: Operand) -> KerasTensor:
        return _operation("Power", self, other)

    def __rpow__(self, other: Operand) -> KerasTensor:
        return _operation("Power", other, self)

    def __matmul__(self, other: Operand) -> KerasTensor:
        return _operation("Matmul", self, other)

    def __rmatmul__(self, other: Operand) -> KerasTensor:
        return _operation("Matmul", other, self)

    def __mod__(self, other: Operand) -> KerasTensor:
        return _operation("Mod", self, other)

    def __rmod__(self, other: Operand) -> KerasTensor:
        return _operation("Mod", other, self)

    def __lt__(self, other: Operand) -> KerasTensor:
        return _operation("Less", self, other)

    def __le__(self, other: Operand) -> KerasTensor:
        return _operation("LessEqual", self, other)

    def __gt__(self, other: Operand) -> KerasTensor:
        return _operation("Greater", self, other)

    def __ge__(self, other: Operand) -> KerasTensor:
        return _operation("GreaterEqual", self, other)

    def __and__(self, other: Operand) -> KerasTensor:
        return _operation("LogicalAnd", self, other)

    def __rand__(self, other: Operand) -> KerasTensor:
        return _operation("LogicalAnd", other, self)

    def __or__(self, other: Operand) -> KerasTensor:
        return _operation("LogicalOr", self, other)

    def __ror__(self, other: Operand) -> KerasTensor:
        return _operation("LogicalOr", other, self)

    def __xor__(self, other: Operand) -> KerasTensor:
        return _operation("LogicalXor", self, other)

    def __rxor__(self, other: Operand) -> KerasTensor:
        return _operation("LogicalXor", other, self)

    def __invert__(self) -> KerasTensor:
        return _operation("LogicalNot", self)

    # By number, as of the tensors that Keras calls layers with. None is no number.
    def __eq__(self, other: object) -> Any:
        return NotImplemented if other is None else _operation("Equal", self, other)

    def __ne__(self, other: object) -> Any:
        return NotImplemented if other is None else _operation("NotEqual", self, other)

    __hash__ = object.__hash__

    def __round__(self, ndigits: int = 0) -> KerasTensor:
        output: KerasTensor = OPERATIONS["Round"](ndigits)(self)
        return output

    def __neg__(self) -> KerasTensor:
        return _operation("Negative", self)

    def __abs__(self) -> KerasTensor:
        return _operation("Absolute", self)

    def __getitem__(self, key: Any) -> KerasTensor:
        return _operation("GetItem", self, key)


def _operation(name: str, *operands: Any) -> KerasTensor:
    output: KerasTensor = OPERATIONS[name]()(*operands)
    return output
