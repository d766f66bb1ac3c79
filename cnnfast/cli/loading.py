"""What the commands share that run a model from a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from cnnfast.cli import exit_codes
from cnnfast.errors import ModelFileError, UnsupportedError

if TYPE_CHECKING:
    from cnnfast.models import Model


def with_model(file: str, work: Callable[[Model], None]) -> int:
    """Load the model in `file` and hand it to `work`; return the exit code.

    What is wrong goes to standard error.
    """
    from cnnfast.saving import load_model

    try:
        work(load_model(file, compile=False))
    except UnsupportedError as error:
        return _failed(file, error, exit_codes.UNSUPPORTED)
    except (ModelFileError, OSError) as error:
        return _failed(file, error, exit_codes.UNREADABLE)
    except (ValueError, ImportError) as error:
        return _failed(file, error, exit_codes.WRONG)
    return exit_codes.GOOD


def _failed(file: str, error: Exception, code: int) -> int:
    print(f"{file}: {error}", file=sys.stderr)
    return code
