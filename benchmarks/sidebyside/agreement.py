"""How near answers in 8 or 16 bits come to Keras' in float32."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnfast.cli.comparison import relative_error
from sidebyside.runtimes import Images

CLEAR = 2.0
"""How many times as much as the second class the first one has where it is clear."""


@dataclass(frozen=True)
class Agreement:
    """Errors relative to the largest of Keras' outputs, and how often both name the same class."""

    largest: float
    mean: float
    top1: float | None
    """`None` where an output is no choice between classes."""
    clear: float | None = None
    """The same where Keras' first class has twice as much as its second; `None` without such."""

    def text(self) -> str:
        """Write it in the cell of a table."""
        shares = [each for each in (self.top1, self.clear) if each is not None]
        same = " / ".join(f"{100 * each:.1f} %" for each in shares)
        return ", ".join([f"{self.largest:.1e} / {self.mean:.1e}", *([same] if same else [])])


def agreement_of(expected: Images, got: Images) -> Agreement:
    """Compare answers of the same shape."""
    mean = float(np.abs(got - expected).mean() / (np.abs(expected).max() or 1.0))
    largest = relative_error(expected, got)
    if expected.ndim != 2 or expected.shape[1] == 1:
        return Agreement(largest, mean, None)
    same = got.argmax(axis=1) == expected.argmax(axis=1)
    second, first = np.sort(expected, axis=1)[:, -2:].T
    clear = same[first >= CLEAR * second]
    return Agreement(largest, mean, float(same.mean()), float(clear.mean()) if clear.size else None)


def useless(expected: Images, got: Images) -> bool:
    """Tell whether always answering the mean would come nearer, or an answer is no number."""
    error = np.square(got - expected).mean()
    return not error <= np.square(expected - expected.mean()).mean()
