"""Arguments that several commands share."""

from __future__ import annotations

import argparse

from cnnfast.cli.output import JSON_HELP


class UsageError(Exception):
    """Arguments do not fit what they are about."""


def add_json_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare ``--json``, which prints `what`, and say what the keys have in common."""
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON")
    parser.epilog = JSON_HELP


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
