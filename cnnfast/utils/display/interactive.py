"""Whether progress is shown, or only logged."""

from __future__ import annotations

import logging

_enabled = True


def enable_interactive_logging() -> None:
    """Show progress on the standard output, as is the default."""
    global _enabled  # noqa: PLW0603
    _enabled = True


def disable_interactive_logging() -> None:
    """Give progress to the logger ``"cnnfast"`` in place of the standard output."""
    global _enabled  # noqa: PLW0603
    _enabled = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress is shown on the standard output.

    Examples
    --------
    >>> cnnfast.utils.is_interactive_logging_enabled()
    True
    """
    return _enabled


def log(text: str) -> None:
    """Give `text` to the logger."""
    logging.getLogger("cnnfast").info(text)


def print_msg(message: str, line_break: bool = True) -> None:
    """Print a line, or log it."""
    if _enabled:
        print(message, end="\n" if line_break else "", flush=True)
    else:
        log(message)
