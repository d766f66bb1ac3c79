"""The package's own exceptions; all are `ValueError` so that callers need not know them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cnnfast.utils.records import record

if TYPE_CHECKING:
    from typing import Self

Kind: TypeAlias = Literal["layer", "operation", "function", "model", "option"]
Holder: TypeAlias = Literal["layer", "operation"]

# A message fits a screen of 80 columns and 40 lines, also where its lines are broken there.
_COLUMNS, _LINES = 80, 36
LONGEST_SENTENCE, _LONGEST_NAME, _EXAMPLES = 400, 60, 3
_MOST_RECEIVED = 20
BY_LAMBDA = (
    "In Keras, apply it by a `Lambda` layer and save the model again; then give a NumPy "
    "function for that layer: `load_model(…, custom_objects={name of the layer: function})`."
)
"""What works for a function that this package does not have."""

AROUND = "name of the layer around it"
"""Stands in advice for the name of the layer that a function can stand in for as a whole."""

# How errors of the package state a rule, and what was found instead.
_RECEIVED = " Received: "


@record(frozen=True)
class Refusal:
    """One cause for which something in a model is refused, and all that it concerns.

    Attributes
    ----------
    kind
        What is refused: a class of layers or operations, a function of TensorFlow, a whole
        model, or an option of what is otherwise supported.
    cause
        The rule.
    class_name
        The class, or the name of the function; None where there is none.
    module
        Where the file has the class from.
    layers
        Names of the layers and operations concerned, in the order of the file.
    received
        What was found in place of what the rule asks for, each once, and not all of many.
    nearest
        Supported names that are spelt like the one refused.
    advice
        What works.
    holder
        Whether layers or operations are concerned.
    """

    kind: Kind
    cause: str
    class_name: str | None = None
    module: str | None = None
    layers: tuple[str, ...] = ()
    received: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    advice: str = ""
    holder: Holder = "layer"

    @property
    def count(self) -> int:
        """How many layers and operations are concerned; 1 where none has a name."""
        return max(len(self.layers), 1)

    @property
    def text(self) -> str:
        """Everything in one line."""
        return " ".join(self._sentences())

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self) | {"count": self.count}

    def _sentences(self) -> list[str]:
        subject = self._subject()
        found = [f"{subject}: {self.cause}" if subject else self.cause]
        if self.nearest:
            found.append(f"Nearest: {', '.join(map(repr, self.nearest))}.")
        if self.advice:
            found.append(self.advice)
        if self.received:
            more = "; …" if len(self.received) > _EXAMPLES else ""
            found.append(f"Received: {'; '.join(self.received[:_EXAMPLES])}{more}")
        return [_clipped(sentence, LONGEST_SENTENCE) for sentence in found]

    def _subject(self) -> str:
        """Return such as ``"3 layers of class Swirl ('a', 'b', 'c')"``."""
        of, noun = "", "model" if self.kind == "model" else self.holder
        if self.class_name is not None:
            name = _clipped(self.class_name, _LONGEST_NAME)
            if self.kind == "function" and not self.layers:
                return f"Function {name}"
            of = f" {'with function' if self.kind == 'function' else 'of class'} {name}"
        names = [repr(_clipped(name, _LONGEST_NAME)) for name in self.layers[:_EXAMPLES]]
        if not names:
            return f"{noun.capitalize()}{of}" if of else ""
        if len(self.layers) == 1:
            return f"{noun.capitalize()} {names[0]}{of}"
        more = ", …" if len(self.layers) > _EXAMPLES else ""
        return f"{len(self.layers)} {noun}s{of} ({', '.join(names)}{more})"


class UnsupportedError(ValueError):
    """Layers, options or functions exist in Keras, but not here.

    Parameters
    ----------
    what
        A rule and, behind ``Received:``, what was found; or one or several refusals, of which
        those with the same cause become one.
    source
        What all are in, such as the name of a file.
    layer, class_name, advice
        Those of the `Refusal` that a rule becomes.

    Attributes
    ----------
    items
        The refusals as data.
    source
        As given.
    """

    def __init__(
        self,
        what: str | Refusal | Iterable[Refusal],
        *,
        source: str | None = None,
        layer: str | None = None,
        class_name: str | None = None,
        advice: str = "",
    ) -> None:
        if isinstance(what, str):
            names = () if layer is None else (layer,)
            what = _option(what, layers=names, class_name=class_name, advice=advice)
        self.items = _merged([what] if isinstance(what, Refusal) else what)
        self.source = source
        super().__init__(_message(self.items, source))

    def about(self, name: object, class_name: str | None, holder: Holder = "layer") -> Self:
        """Return the same error about a layer or operation, where it says of none yet."""
        names = (name,) if isinstance(name, str) else ()

        def named(item: Refusal) -> Refusal:
            if item.layers or item.kind not in ("option", "function"):
                return item
            known = item.class_name or class_name
            return replace(item, layers=names, class_name=known, holder=holder)

        return type(self)(map(named, self.items), source=self.source)

    def inside(self, name: object) -> Self:
        """Return the same error about what is in a layer called `name`, where advice lacks it."""
        if not isinstance(name, str):
            return self

        def named(item: Refusal) -> Refusal:
            return replace(item, advice=item.advice.replace(AROUND, repr(name)))

        return type(self)(map(named, self.items), source=self.source)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), source=self.source), (self.items,), self.__dict__


class AcrossBatchError(UnsupportedError):
    """An operation would reduce, move or join along the batch."""


class MissingFileError(FileNotFoundError, ValueError):
    """There is no file; Keras raises a ValueError for it, and Python what it is."""


class ModelFileError(ValueError):
    """A model or weights file is damaged, foreign, hostile or does not match its config."""


def _option(text: str, **fields: Any) -> Refusal:
    cause, _, received = text.partition(_RECEIVED)
    found = (_clipped(received, LONGEST_SENTENCE),) if received else ()
    return Refusal("option", cause, received=found, **fields)


def _merged(items: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """Make those one that have the same cause."""
    groups: dict[Any, list[Refusal]] = {}
    for item in items:
        key = (item.kind, item.class_name, item.module, item.cause, item.holder)
        groups.setdefault(key, []).append(item)
    return tuple(_joined(group) for group in groups.values())


def _joined(group: Sequence[Refusal]) -> Refusal:
    received = dict.fromkeys(text for item in group for text in item.received)
    layers = tuple(name for item in group for name in item.layers)
    return replace(group[0], layers=layers, received=tuple(received)[:_MOST_RECEIVED])


def _message(items: Sequence[Refusal], source: str | None) -> str:
    if len(items) == 1 and source is None:
        return items[0].text
    where = "" if source is None else f"{_clipped(source, LONGEST_SENTENCE)}: "
    causes = _counted(len(items), "cause")
    layers = _counted(sum(item.count for item in items), "layer")
    lines = [f"{where}not supported, for {causes} in {layers}:"]
    entries = [_entry(item) for item in items]
    waiting = sum(_height(entry[:1]) for entry in entries)
    for shown, entry in enumerate(entries):
        # Every cause is named before any but the first gets the room for its details.
        left = _LINES - _height(lines)
        waiting -= _height(entry[:1])
        whole = shown == 0 or _height(entry) + waiting <= left
        if not whole and _height(entry[:1]) > left:
            lines.append(f"… and {len(items) - shown} more: all are in `error.items`.")
            break
        lines += entry if whole else entry[:1]
    return "\n".join(lines)


def _entry(item: Refusal) -> list[str]:
    first, *others = item._sentences()
    return [f"- {first}", *(f"  {sentence}" for sentence in others)]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _height(lines: Iterable[str]) -> int:
    """How many rows of a terminal `lines` take."""
    return sum(math.ceil(len(line) / _COLUMNS) for line in lines)


def _clipped(text: str, length: int) -> str:
    """Return `text` in one line of at most `length` characters that a terminal can show."""
    line = " ".join(text[: 4 * length].split())
    line = "".join(c if c.isprintable() else "�" for c in line)
    return line if len(line) <= length else f"{line[: length - 1]}…"
