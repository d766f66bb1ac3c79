"""Where a file has the layers that are attributes of a user's layer.

The rules are those of keras/src/saving/saving_lib.py: attributes in alphabetical order, private
ones last; in a list, tuple, dict or set each layer is under its class's name, numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from cnnfast.layers.base.layer import Layer
from cnnfast.layers.own.tracking import track
from cnnfast.utils.naming import to_snake_case

if TYPE_CHECKING:
    from cnnfast.layers.own.traced import Traced

_CONTAINERS = (list, dict, tuple, set)


def file_children(layer: Traced) -> dict[str, Layer]:
    """Return the layers inside, each once, under their places below that of `layer`."""
    found: dict[str, Layer] = {}
    for name in sorted(_attributes(layer), key=lambda name: f"~{name}" if name[0] == "_" else name):
        try:
            value = getattr(layer, name)
        except Exception:  # a property that does not hold yet
            continue
        found |= dict(_below(value, name, set()))
    seen: set[int] = set()
    return {
        place: part for place, part in found.items() if not (id(part) in seen or seen.add(id(part)))
    }


def _attributes(layer: Traced) -> list[str]:
    return [name for name in dir(layer) if name not in _of_any_layer() and name[:2] != "__"]


@cache
def _of_any_layer() -> frozenset[str]:
    from cnnfast.layers.own.traced import INTERNAL, Traced

    return frozenset({*dir(Traced), *vars(Layer(name="layer")), *INTERNAL})


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


def watch_again(layer: Traced) -> None:
    """Let the lists, dicts and sets of a copied layer tell of their changes again."""
    from cnnfast.layers.own.traced import INTERNAL

    state = vars(layer)
    for name in [name for name in state if name not in INTERNAL]:
        state[name] = track(layer, _plain(state[name]))


def _plain(value: Any) -> Any:
    plain: Callable[[Any], Any] | None = next(
        (kind for kind in (list, dict, set) if isinstance(value, kind)), None
    )
    return value if plain is None else plain(value)
