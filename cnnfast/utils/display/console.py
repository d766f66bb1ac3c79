"""Where tables are printed: a terminal, to whose width they keep, or a file of any width."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# More than any line has; rich pads none to it.
_ANY_WIDTH = 100_000


def console(*, stderr: bool = False, **options: Any) -> Console:
    """Return a console of rich's for standard output or error, which may be None.

    Parameters
    ----------
    stderr
        Whether to print to standard error.
    **options
        Further ones of rich's `Console`.
    """
    made = _class()(stderr=stderr, highlight=False, **options)
    if not (made.is_terminal or made.is_jupyter):
        made.width = _ANY_WIDTH
    return made


@cache
def _class() -> type[Console]:
    from rich.console import Console

    class PlainConsole(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to the caller that nobody reads any more; rich ends the program."""
            raise BrokenPipeError

    return PlainConsole
