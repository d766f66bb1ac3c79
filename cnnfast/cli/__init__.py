"""The command line: ``python -m cnnfast COMMAND``.

Each command is a module of this package with two functions: ``add_parser`` declares its
arguments, ``run`` does the work and returns the exit code.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cnnfast import __version__
from cnnfast.cli import bench, check, demo, info, profile

COMMANDS = (demo, check, info, profile, bench)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser that knows every command."""
    parser = argparse.ArgumentParser(
        prog="python -m cnnfast", description="Keras CNNs, fast on a CPU."
    )
    parser.add_argument("--version", action="version", version=f"cnnfast {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers).set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (default: the process' arguments) names.

    Returns
    -------
    int
        The exit code: 0 when all is well, 1 when the command found something wrong; see
        `exit_codes`. Wrong arguments leave through ``SystemExit(2)``, as argparse has it.
    """
    args = build_parser().parse_args(argv)
    code: int = args.run(args)
    return code
