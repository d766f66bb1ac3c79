"""Sizes that stay open: one lowering serves images of every size that it would lower alike.

A network is lowered for one size of its images, but with a `Size` in place of each open number.
A `Size` has the value that it has now, and its arithmetic is written down as it happens. What
Python needs a plain answer for, as a comparison, an index or a truth, gets the answer of now, and
the question is written down, too. For images of another size the arithmetic is done again; where
every question has the same answer as before, lowering would have done the same, so the numbers it
would have used are known. Where one has another answer, the network is lowered again.

>>> sizes = Sizes()
>>> height = sizes.open(10)
>>> -(-height // 2) > 3
True
>>> sizes.solve([9]) is None, sizes.solve([5]) is None
(False, True)
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

_Operator: TypeAlias = Callable[[int, int], Any]
Values: TypeAlias = list[int]


class Sizes:
    """Open sizes, what was computed of them, and what was asked."""

    def __init__(self) -> None:
        self._now: Values = []
        self._steps: list[tuple[_Operator, int, int]] = []  # the last ones make the last values
        self._opened = 0
        self._known: dict[object, int] = {}
        self._questions: dict[tuple[_Operator, int, int], Any] = {}

    def open(self, now: int) -> int:
        """Return a size that is `now`; all must be opened before they are used."""
        assert not self._steps
        assert not self._known
        self._opened += 1
        return Size(self, self._put(now))  # type: ignore[return-value]

    def solve(self, opened: Sequence[int]) -> Values | None:
        """Return every value for other sizes, for `fill`; None where an answer is another one."""
        values = list(opened)
        put = values.append
        try:
            for function, a, b in self._steps:
                put(function(values[a], values[b]))
        except ZeroDivisionError:
            return None
        for (function, a, b), answer in self._questions.items():
            if function(values[a], values[b]) != answer:
                return None
        return values

    def _put(self, value: int) -> int:
        self._now.append(value)
        return len(self._now) - 1

    def _index_of(self, value: Any) -> int:
        """Where `value` stands: a size of this lowering, or an integer that is the same always."""
        if type(value) is Size:
            assert value.sizes is self
            return value.index
        number = operator.index(value)
        index = self._known.get(number)
        if index is None:
            # A constant is a step of its own, as values are made in order.
            index = self._known[number] = self._put(number)
            self._steps.append((lambda *_: number, 0, 0))
        return index

    def compute(self, function: _Operator, a: object, b: object) -> Size:
        """Return ``function(a, b)``, an integer, as a size."""
        key = (function, self._index_of(a), self._index_of(b))
        index = self._known.get(key)
        if index is None:
            _, first, second = key
            index = self._known[key] = self._put(function(self._now[first], self._now[second]))
            self._steps.append(key)
        return Size(self, index)

    def ask(self, function: _Operator, a: object, b: object) -> Any:
        """Return ``function(a, b)`` as it is now, and keep the question."""
        key = (function, self._index_of(a), self._index_of(b))
        answer = self._questions.get(key)
        if answer is None:
            _, first, second = key
            answer = self._questions[key] = function(self._now[first], self._now[second])
        return answer

    def pin(self, index: int) -> int:
        """Return a value as a plain integer: it must be the same for other sizes."""
        now = self._now[index]
        self.ask(operator.eq, Size(self, index), now)
        return now


class Size:
    """An integer that may be another one for other images.

    It is no `int`: what takes it for one calls `__index__`, which keeps the question.
    """

    __array_ufunc__ = None  # NumPy's numbers leave arithmetic to it
    __slots__ = ("index", "sizes")

    def __init__(self, sizes: Sizes, index: int) -> None:
        self.sizes, self.index = sizes, index

    def __index__(self) -> int:
        return self.sizes.pin(self.index)

    __int__ = __trunc__ = __index__

    def __float__(self) -> float:
        return float(self.__index__())

    def __hash__(self) -> int:
        return hash(self.__index__())

    def __bool__(self) -> bool:
        return bool(self.sizes.ask(operator.ne, self, 0))

    def __repr__(self) -> str:
        return repr(self.__index__())

    def __format__(self, spec: str) -> str:
        return format(self.__index__(), spec)

    def __neg__(self) -> Size:
        return self.sizes.compute(operator.sub, 0, self)

    def __pos__(self) -> Size:
        return self

    def __abs__(self) -> Size:
        return -self if self.sizes.ask(operator.lt, self, 0) else self

    def __truediv__(self, other: Any) -> Any:
        return self.__index__() / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.__index__()

    def __pow__(self, other: Any) -> Any:
        return self.__index__() ** other

    def __rpow__(self, other: Any) -> Any:
        return other ** self.__index__()

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other


def _arithmetic(function: _Operator, name: str) -> None:
    def forward(self: Size, other: Any) -> Any:
        if isinstance(other, float):
            return function(self.__index__(), other)  # type: ignore[arg-type]
        if not hasattr(other, "__index__"):
            return NotImplemented
        return self.sizes.compute(function, self, other)

    def reflected(self: Size, other: Any) -> Any:
        if isinstance(other, float):
            return function(other, self.__index__())  # type: ignore[arg-type]
        if not hasattr(other, "__index__"):
            return NotImplemented
        return self.sizes.compute(function, other, self)

    setattr(Size, f"__{name}__", forward)
    setattr(Size, f"__r{name}__", reflected)


def _comparison(function: _Operator, name: str) -> None:
    def compare(self: Size, other: Any) -> Any:
        if isinstance(other, float):
            return function(self.__index__(), other)  # type: ignore[arg-type]
        if not hasattr(other, "__index__"):
            return NotImplemented
        return self.sizes.ask(function, self, other)

    setattr(Size, f"__{name}__", compare)


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    _arithmetic(getattr(operator, _name), _name)
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    _comparison(getattr(operator, _name), _name)
