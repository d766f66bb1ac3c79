"""Warnings that point at the line of the user's own that led to them."""

from __future__ import annotations

import sys
import warnings


def warn(message: str) -> None:
    """Warn with the place where this package was called from."""
    package = __name__.partition(".")[0]
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)
