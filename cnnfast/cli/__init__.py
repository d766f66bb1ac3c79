"""The command line: ``python -m cnnfast COMMAND``.

Each command is a module of this package with two functions: ``add_parser`` declares its
arguments, ``run`` does the work and returns the exit code.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from cnnfast import __version__, _core, startup
from cnnfast.cli import bench, check, demo, exit_codes, info, profile
from cnnfast.cli.arguments import UsageError
from cnnfast.cli.output import print_error
from cnnfast.utils.system.threads import get_num_threads

COMMANDS = (demo, check, info, profile, bench)


def build_parser() -> argparse.ArgumentParser:
    """Build the parser that knows every command."""
    parser = argparse.ArgumentParser(
        prog="python -m cnnfast", description="Keras CNNs, fast on a CPU."
    )
    parser.add_argument("--version", action="version", version=f"cnnfast {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        own = command.add_parser(subparsers)
        own.set_defaults(run=command.run, parser=own)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (default: the process' arguments) names.

    Returns
    -------
    int
        The exit code: 0 when all is well, 1 when the command found something wrong; see
        `exit_codes`. Wrong arguments leave through ``SystemExit(2)``, as argparse has it.
    """
    startup.done()
    args, unknown = build_parser().parse_known_args(argv)
    if unknown:
        # The parser of all commands would show its own usage.
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        if not _environment_is_good():
            return exit_codes.USAGE
        code: int = args.run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except UsageError as error:
        print_error(str(error), args.file)
        return exit_codes.USAGE
    except KeyboardInterrupt:
        print_error("interrupted")
        return exit_codes.INTERRUPTED
    except BrokenPipeError:
        # Python would flush once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.UNREAD
    return code


def _environment_is_good() -> bool:
    """Whether the variables that every command depends on say something; tell what does not."""
    try:
        _core.isa()
        get_num_threads()
    except ValueError as error:
        print_error(str(error))
        return False
    return True
