"""Automatic names as Keras gives them, and the scopes that variable paths are made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from cnnfast.utils.locks import Guard

_LONGEST_NAME = 60
_guard = Guard()
_uses: Counter[str] = Counter()
_own_uses: ContextVar[Counter[str] | None] = ContextVar("cnnfast_own_names", default=None)
_from_file: ContextVar[bool] = ContextVar("cnnfast_names_of_files", default=False)
_taken: ContextVar[Collection[str]] = ContextVar("cnnfast_taken_names", default=())
_scope: ContextVar[tuple[str, ...]] = ContextVar("cnnfast_name_scope", default=())


def to_snake_case(name: str) -> str:
    """Spell a class name as Keras does: ``Conv2D`` is ``conv2d``, ``LeakyReLU`` ``leaky_re_lu``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def spelt_like(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return at most three of `names` that are spelt like `name`, the nearest first."""
    return _spelt_like(name[:_LONGEST_NAME].lower(), tuple(names))


def what_there_is(name: object, names: Iterable[str]) -> str:
    """Return a sentence with the names that are spelt like `name`, or with all of them."""
    known = sorted(names)
    near = spelt_like(name, known) if isinstance(name, str) else ()
    if near:
        return f"Nearest: {', '.join(map(repr, near))}."
    return f"Expected one of: {', '.join(known)}."


@lru_cache(maxsize=64)
def _spelt_like(name: str, names: tuple[str, ...]) -> tuple[str, ...]:
    import difflib

    spelt = {known.lower(): known for known in names}
    return tuple(spelt[known] for known in difflib.get_close_matches(name, spelt, cutoff=0.7))


def auto_name(class_name: str) -> str:
    """Name the next object of a class: ``dense``, ``dense_1``, ``dense_2`` and so on."""
    prefix = to_snake_case(class_name)
    while True:
        number = count_use(prefix) - 1
        name = f"{prefix}_{number}" if number else prefix
        if name not in _taken.get():
            return name


def count_use(prefix: str) -> int:
    """Count one use more of the beginning of a name; return how many there were."""
    uses = _own_uses.get()
    uses = _uses if uses is None else uses
    with _guard.lock:
        uses[prefix] += 1
        return uses[prefix]


@contextmanager
def named_apart() -> Iterator[None]:
    """Begin automatic names anew inside; outside they go on as if nothing had been named."""
    token = _own_uses.set(Counter())
    try:
        yield
    finally:
        _own_uses.reset(token)


@contextmanager
def taken(names: Collection[str]) -> Iterator[None]:
    """Give no automatic name that is among `names` inside."""
    token = _taken.set(names)
    try:
        yield
    finally:
        _taken.reset(token)


def reset_names() -> None:
    """Start the numbering of automatic names again."""
    with _guard.lock:
        _uses.clear()


@contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Build everything inside under `name`; yields the path, such as ``"sequential/conv2d"``."""
    path = (*_scope.get(), name)
    token = _scope.set(path)
    try:
        yield "/".join(path)
    finally:
        _scope.reset(token)


def current_scope() -> str:
    """Return the path of the innermost `name_scope`."""
    return "/".join(_scope.get())


@contextmanager
def names_of_files() -> Iterator[None]:
    """Allow names as any version of Keras gives them, which Keras 3 refuses in new layers."""
    token = _from_file.set(True)
    try:
        yield
    finally:
        _from_file.reset(token)


def is_layer_name(name: str) -> bool:
    """Whether a layer may be called `name`.

    In a file the parts of a path may stand for a name, as in the DenseNets of Keras 2,
    ``"conv1/bn"``.
    """
    return "/" not in name or (_from_file.get() and not {"", ".", ".."} & set(name.split("/")))
