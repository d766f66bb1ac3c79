"""Where a file has the layers that are attributes of a user's layer.

The rules are those of keras/src/saving/saving_lib.py: attributes in alphabetical order, private
ones last; in a list, tuple, dict or set each layer is under its class's name, numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from cnnfast.layers.base.layer import Layer
from cnnfast.layers.own.tracking import track
from cnnfast.utils.naming import to_snake_case

if TYPE_CHECKING:
    from cnnfast.layers.own.traced import Traced

_CONTAINERS = (list, dict, tuple, set)


def file_children(layer: Layer, of: type, internal: Collection[str]) -> dict[str, Layer]:
    """Return the layers inside, each once, under their places below that of `layer`.

    What every object of the class `of` has, and `internal`, is not looked at.
    """
    found: dict[str, Layer] = {}
    for name in sorted(_attributes(layer, of, internal), key=_last_if_private):
        try:
            value = getattr(layer, name)
        except Exception:  # a property that does not hold yet
            continue
        found |= dict(_below(value, name, set()))
    first = {id(part): place for place, part in reversed(found.items())}
    return {place: part for place, part in found.items() if first[id(part)] == place}


def _last_if_private(name: str) -> str:
    return f"~{name}" if name.startswith("_") else name


def _attributes(layer: Layer, of: type, internal: Collection[str]) -> list[str]:
    known = _of_any(of) | frozenset(internal)
    return [name for name in dir(layer) if name not in known and not name.startswith("__")]


@cache
def _of_any(of: type) -> frozenset[str]:
    return frozenset({*dir(of), *vars(Layer(name="layer"))})


def _below(value: Any, place: str, entered: set[int]) -> Iterator[tuple[str, Layer]]:
    if isinstance(value, Layer):
        yield place, value
    elif isinstance(value, _CONTAINERS) and id(value) not in entered:
        entered.add(id(value))
        used: dict[str, int] = {}
        for item in list(value.values()) if isinstance(value, dict) else list(value):
            if isinstance(item, Layer):
                yield f"{place}/{_numbered(to_snake_case(item._class_name), used)}", item
            elif isinstance(item, _CONTAINERS):
                yield from _below(item, f"{place}/{_numbered('container', used)}", entered)


def _numbered(name: str, used: dict[str, int]) -> str:
    number = used[name] = used.get(name, -1) + 1
    return f"{name}_{number}" if number else name


def watch_again(layer: Traced, internal: Collection[str]) -> None:
    """Let the lists, dicts and sets of a copied layer tell of their changes again."""
    state = vars(layer)
    for name in [name for name in state if name not in internal]:
        state[name] = track(layer, _plain(state[name]))


def _plain(value: Any) -> Any:
    plain: Callable[[Any], Any] | None = next(
        (kind for kind in (list, dict, set) if isinstance(value, kind)), None
    )
    return value if plain is None else plain(value)
