"""``profile``: show where the time of a model goes, operation by operation.

Exit codes: 0 all is well; 1 the model does not run, or matplotlib is missing for ``--plot``; 2 the
picture cannot be saved there; 3 the model has something that is not supported; 4 the file cannot be
read.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cnnfast.cli import exit_codes
from cnnfast.cli.arguments import add_json_argument, positive_int
from cnnfast.cli.inputs import add_input_arguments, random_inputs
from cnnfast.cli.loading import with_model
from cnnfast.cli.output import print_error, print_json
from cnnfast.profiling.plot import check_path

if TYPE_CHECKING:
    from cnnfast.models import Model


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the arguments of the command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "profile", help="show where the time and memory of a model go", description=__doc__
    )
    add_input_arguments(parser)
    parser.add_argument("--batch", type=positive_int, default=1, help="how many images")
    parser.add_argument("--threads", type=positive_int, help="default: one per usable core")
    parser.add_argument("--repeats", type=positive_int, default=20, help="median of so many runs")
    parser.add_argument(
        "--candidates", action="store_true", help="add what the cost model expected"
    )
    parser.add_argument("--memory", action="store_true", help="add the report of memory")
    parser.add_argument("--plot", metavar="FILE", help="draw the roofline, as .png, .svg or .pdf")
    add_json_argument(parser, "the profile")
    return parser


def run(args: argparse.Namespace) -> int:
    """Profile the model on random input and show the result."""

    def work(model: Model) -> int:
        inputs = random_inputs(model, args.seed, args.batch, args.size)
        profile = model.profile(inputs, repeats=args.repeats, threads=args.threads)
        memory = model.memory_report(args.batch, threads=args.threads) if args.memory else None
        if args.json:
            report = {"file": args.file, **profile.to_dict()}
            if memory is not None:
                report["memory"] = memory.to_dict()
            print_json(report)
        else:
            profile.print(args.candidates)
            if memory is not None:
                memory.print()
        if args.plot:
            profile.plot(args.plot)
        return exit_codes.GOOD

    if args.plot:
        try:
            check_path(args.plot)
        except (ImportError, ValueError, OSError) as error:
            print_error(str(error))
            missing = isinstance(error, ImportError)
            return exit_codes.WRONG if missing else exit_codes.USAGE
    return with_model(args.file, work)
