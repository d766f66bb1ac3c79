"""Closed tables of what a config may name: filled by the room that has it, then sealed.

A name is only ever looked up, and imports at most the module of the package that the room has
written beside it; nothing is evaluated, so it may come from a stranger's file. What the user hands
over stands in front of every table, see `cnnfast.utils.handed_over`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from cnnfast.utils import handed_over, rooms
from cnnfast.utils.naming import what_there_is

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """All that there is of one kind, by name.

    Parameters
    ----------
    kind
        For messages, such as ``"loss"``; also the name under which the room that fills the table
        is declared, where that is imported late.
    role
        What something the user hands over for a name is taken for, such as ``"a layer"``.
    """

    def __init__(self, kind: str, role: str = "") -> None:
        self.kind = kind
        self._role = role
        self._items: dict[str, T] = {}
        self._postponed: dict[str, Callable[[], T]] = {}
        self._sealed = False

    def register(self, items: Iterable[T] = (), /, **named: T) -> None:
        """Add `items`, classes or functions, under their own names; others under any.

        Raises
        ------
        RuntimeError
            If the table is sealed, or a name is taken.
        """
        new = {item.__name__: item for item in items} | named  # type: ignore[attr-defined]
        self._check(new)
        self._items |= new

    def postpone(self, names: Mapping[str, str], find: Callable[[str], T]) -> None:
        """Add `names`, each with what `find` is to be asked for when it is first looked up.

        Raises
        ------
        RuntimeError
            If the table is sealed, or a name is taken.
        """
        self._check(names)
        self._postponed |= {name: partial(find, wanted) for name, wanted in names.items()}

    def _check(self, new: Mapping[str, object]) -> None:
        taken = sorted(new.keys() & (self._items.keys() | self._postponed.keys()))
        if self._sealed or taken:
            rule = "is sealed" if self._sealed else "must have each name once"
            raise RuntimeError(
                f"The table of the kind {self.kind!r} {rule}. Received: {taken or sorted(new)}"
            )

    def seal(self) -> None:
        """Let nothing be added any more."""
        self._sealed = True

    def _filled(self) -> dict[str, Any]:
        if not self._sealed:
            rooms.enter(self.kind)
        return self._postponed | self._items

    def __getitem__(self, name: str) -> T:
        if name not in self._items:
            self._filled()
            if name in self._postponed:
                self._items.setdefault(name, self._postponed[name]())
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._filled()

    def __iter__(self) -> Iterator[str]:
        return iter(self._filled())

    def __len__(self) -> int:
        return len(self._filled())

    def given(self, *names: object) -> Any:
        """Return what the user handed over for the first of `names` there is something for."""
        return handed_over.find(*names)

    def lookup(self, name: str) -> T:
        """Return what goes by `name`: what the user handed over, or else what is in the table.

        Raises
        ------
        ValueError
            If there is nothing; the message has the nearest names, or lists those there are.
        """
        given = self.given(name)
        if given is not None:
            handed_over.meant(name, self._role)
            return given  # type: ignore[no-any-return]
        if name not in self:
            raise ValueError(
                f"Could not interpret {self.kind} identifier. {what_there_is(name, self)} "
                f"Received: {name!r}"
            )
        return self[name]
