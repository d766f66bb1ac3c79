"""A record is what a frozen dataclass is, but for what defining it costs."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import Any

import pytest

from cnnfast.utils.records import record


@record(frozen=True)
class Named:
    """Something with names."""

    names: tuple[str, ...] = field(default=(), kw_only=True)


@record(frozen=True)
class Box(Named):
    """Two sizes, and what is in it."""

    width: int
    height: int = 2
    content: list[int] = field(default_factory=list)


@record(frozen=True, eq=False)
class Thing:
    """Equal to itself only."""

    size: int


@dataclass(frozen=True)
class Parent:
    """Something with names."""

    names: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Model(Parent):
    """The dataclass that `Box` would be."""

    width: int
    height: int = 2
    content: list[int] = field(default_factory=list)


ARGUMENTS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, 3), {}),
    ((1, 3, [4]), {"names": ("a",)}),
    ((), {"height": 5, "width": 4}),
    ((1,), {"content": [1, 2]}),
]


@pytest.mark.parametrize(("args", "kwargs"), ARGUMENTS)
def test_is_made_and_shown_as_a_dataclass_is(args: Any, kwargs: Any) -> None:
    ours, theirs = Box(*args, **kwargs), Model(*args, **kwargs)
    assert asdict(ours) == asdict(theirs)  # type: ignore[call-overload]
    assert repr(ours) == repr(theirs).replace("Model", "Box")
    assert [f.name for f in fields(ours)] == [f.name for f in fields(theirs)]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((), {"height": 1}),
        ((1, 2, [], ("a",)), {}),
        ((1,), {"width": 2}),
        ((1,), {"depth": 2}),
        ((), {"depth": 2, "height": 1}),
    ],
)
def test_wrong_arguments_are_refused_where_a_dataclass_refuses_them(args: Any, kwargs: Any) -> None:
    with pytest.raises(TypeError):
        Model(*args, **kwargs)
    with pytest.raises(TypeError, match="Box takes each of names, width, height, content once"):
        Box(*args, **kwargs)


def test_default_of_a_factory_is_not_shared() -> None:
    Box(1).content.append(7)
    assert Box(1).content == []


def test_cannot_be_changed() -> None:
    box = Box(1)
    with pytest.raises(FrozenInstanceError, match=r"A Box cannot be changed.*Received: width"):
        box.width = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del box.width
    with pytest.raises(FrozenInstanceError):
        box.depth = 3  # type: ignore[attr-defined]
    assert box == Box(1)


def test_compares_and_hashes_by_value_unless_told_otherwise() -> None:
    @record(frozen=True)
    class Other:
        """The same fields, another class."""

        size: int

    assert Box(1) == Box(1, 2) != Box(2)
    assert hash(Other(3)) == hash(Other(3))
    assert len({Other(3), Other(3), Other(4)}) == 2
    assert Other(3) != Thing(3)
    thing = Thing(3)
    assert thing != Thing(3)
    assert len({thing, Thing(3)}) == 2


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda box: pickle.loads(pickle.dumps(box))]
)
def test_survives_copies_and_pickles(again: Callable[[Box], Box]) -> None:
    assert again(Box(1, content=[3])) == Box(1, content=[3])


def test_replace_and_match_take_it() -> None:
    box = replace(Box(1, content=[3], names=("a",)), height=5)
    assert box == Box(1, 5, [3], names=("a",))
    with pytest.raises(TypeError, match="depth"):
        replace(box, depth=1)  # type: ignore[call-arg]
    match box:
        case Box(width, height):
            assert (width, height) == (1, 5)


def test_signature_is_that_of_the_dataclass() -> None:
    assert str(inspect.signature(Box)) == str(inspect.signature(Model))


def test_defining_one_compiles_nothing() -> None:
    compiled = []

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "compile":
            compiled.append(arguments)

    sys.addaudithook(listen)
    listening = True

    @record(frozen=True)
    class Later:
        """Two numbers."""

        first: int
        second: int = 3

    listening = False
    assert Later(1).second == 3
    assert not compiled


def test_unfrozen_one_is_refused() -> None:
    with pytest.raises(TypeError, match="must be frozen"):
        record(frozen=False)
