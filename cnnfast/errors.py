"""The package's own exceptions; both are `ValueError` so that callers need not know them."""

from __future__ import annotations


class UnsupportedError(ValueError):
    """A layer, option or function exists in Keras, but not here."""


class ModelFileError(ValueError):
    """A model or weights file is damaged, foreign, hostile or does not match its config."""
