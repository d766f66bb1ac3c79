"""Whether tracebacks are shortened, in Keras; here they are whole and short in either case."""

from __future__ import annotations

_enabled = True


def enable_traceback_filtering() -> None:
    """Note it."""
    global _enabled  # noqa: PLW0603
    _enabled = True


def disable_traceback_filtering() -> None:
    """Note it."""
    global _enabled  # noqa: PLW0603
    _enabled = False


def is_traceback_filtering_enabled() -> bool:
    """Whether it was last enabled.

    Examples
    --------
    >>> cnnfast.config.is_traceback_filtering_enabled()
    True
    """
    return _enabled
