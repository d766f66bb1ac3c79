"""How much each layer of a model loses in 8 bits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnfast.engine.quantized.names import label
from cnnfast.quantization.quantizing import best, check, measured, names_to_keep
from cnnfast.quantization.trials import Trials, errors_alone

if TYPE_CHECKING:
    from rich.table import Table

    from cnnfast.models.model import Model


@dataclass(frozen=True)
class Sensitivity:
    """What `sensitivity` returns; rich prints it as a table.

    Attributes
    ----------
    layers
        The layers of each operation that computes, joined by `` + ``, and the error of the outputs
        where it alone is in 8 bits; the largest first.
    error
        That with all of them.
    """

    layers: tuple[tuple[str, float], ...]
    error: float

    def __rich__(self) -> Table:
        from rich.table import Table

        table = Table("in 8 bits", "error of the outputs")
        table.add_row("all", f"{self.error:.2e}")
        for name, error in self.layers:
            table.add_row(name, f"{error:.2e}")
        return table


def sensitivity(
    model: Model,
    images: Any,
    *,
    method: str = "auto",
    percentile: float = 99.99,
    equalize: bool = True,
    keep: Iterable[str] = (),
    preprocess: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    verbose: int | str = "auto",
    threads: int | None = None,
) -> Sensitivity:
    """Return how much each layer of `model` loses in 8 bits, on the first 32 of `images`.

    Parameters
    ----------
    model, images, method, percentile, equalize, keep, preprocess
        As for `cnnfast.quantize`.
    batch_size, steps, verbose, threads
        As for `cnnfast.quantize`.

    Returns
    -------
    Sensitivity
        Errors are the root mean square of the difference from float32 over that of the numbers;
        of several outputs the largest.

    Raises
    ------
    ValueError, UnsupportedError
        As `cnnfast.quantize` raises them.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnfast import Sequential, layers, quantization
    >>> model = Sequential([layers.Input((16, 16, 3)), layers.Conv2D(8, 3, name="first")])
    >>> images = np.random.default_rng(0).random((8, 16, 16, 3), np.float32)
    >>> [name for name, error in quantization.sensitivity(model, images, verbose=0).layers]
    ['first']
    """
    check(model, method, percentile)
    kept = names_to_keep(model, keep)
    measuring = measured(model, images, preprocess, batch_size, steps, verbose, threads)
    found = best(model, method, percentile, equalize, kept, measuring, threads)
    trials = Trials(model, found, measuring.sample, threads)
    errors = errors_alone(trials, found, verbose)
    rows = sorted(((label(op), error) for op, error in errors.items()), key=lambda row: -row[1])
    return Sensitivity(tuple(rows), trials.error(found))
