"""What the commands share that run a model from a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cnnfast.cli import exit_codes
from cnnfast.cli.output import print_error
from cnnfast.errors import ModelFileError, UnsupportedError

if TYPE_CHECKING:
    from cnnfast.models import Model


def with_model(file: str, work: Callable[[Model], int]) -> int:
    """Load the model in `file` and hand it to `work`; return the exit code, that of `work` if good.

    What is wrong goes to standard error.
    """
    from cnnfast.saving import load_model

    try:
        return work(load_model(file, compile=False))
    except UnsupportedError as error:
        return _failed(file, error, exit_codes.UNSUPPORTED)
    except (ModelFileError, OSError) as error:
        return _failed(file, error, exit_codes.UNREADABLE)
    except (ValueError, ImportError) as error:
        return _failed(file, error, exit_codes.WRONG)


def _failed(file: str, error: Exception, code: int) -> int:
    print_error(str(error), file)
    return code
