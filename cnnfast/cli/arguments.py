"""Argument types that several commands share."""

from __future__ import annotations

import argparse


def positive_int(text: str) -> int:
    """Read a whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer. Received: {text}")
    return number


def positive_ints(text: str) -> list[int]:
    """Read whole numbers of at least 1 with commas between."""
    return [positive_int(part) for part in text.split(",")]
