"""A network with some of its layers in 8 bits, beside the same in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cnnfast.engine.late import Kernels
from cnnfast.engine.ops import Float32Array, Op
from cnnfast.engine.passes import optimize
from cnnfast.engine.program import build
from cnnfast.engine.quantized.names import label
from cnnfast.engine.quantized.quantization import Quantization
from cnnfast.engine.quantized.rewrite import chosen, rewrite
from cnnfast.quantization.measuring import prepared_for
from cnnfast.utils.display.progbar import Progbar
from cnnfast.utils.system.threads import get_num_threads

if TYPE_CHECKING:
    from cnnfast.models.model import Model


class Trials:
    """Runs of a model on some images with any choice of what stays float32.

    Parameters
    ----------
    model
        In float32.
    quantization
        That says what stays float32 in any case.
    images
        One array per input.
    """

    def __init__(
        self,
        model: Model,
        quantization: Quantization,
        images: Sequence[Float32Array],
        threads: int | None = None,
    ) -> None:
        self._images = list(images)
        self._graph = prepared_for(model, [array.shape[1:] for array in images])
        self._kernels = Kernels()
        self._threads = get_num_threads() if threads is None else threads
        self._expected = self._run(quantization, lambda op: True)
        self.computing = [
            op for op, rule in chosen(self._graph, quantization.keeps).items() if rule.computes
        ]

    def error(self, quantization: Quantization, alone: Op | None = None) -> float:
        """Return the error of the outputs in 8 bits, or with one operation `alone` in 8 bits.

        The largest, over the outputs, of the root mean square of the difference over that of the
        numbers.
        """

        def keeps(op: Op) -> bool:
            return quantization.keeps(op) or (alone is not None and op is not alone)

        made = self._run(quantization, keeps)
        return max(map(relative_error, made, self._expected))

    def _run(self, by: Quantization, keeps: Callable[[Op], bool]) -> list[Float32Array]:
        graph = optimize(rewrite(self._graph, by.ranges, keeps, by.equalized))
        plan = build(graph, kernels=self._kernels)
        batch = len(self._images[0])
        outputs = [np.empty((batch, *shape), np.float32) for shape in plan.output_shapes]
        plan.run(self._images, outputs, self._threads, True)
        return outputs


def relative_error(made: Float32Array, expected: Float32Array) -> float:
    """Return the root mean square of the difference over that of `expected`."""
    size = float(np.sqrt(np.mean(np.square(expected, dtype=np.float64))))
    difference = np.subtract(made, expected, dtype=np.float64)
    return float(np.sqrt(np.mean(np.square(difference)))) / (size or 1.0)


def errors_alone(trials: Trials, quantization: Quantization, verbose: int | str) -> dict[Op, float]:
    """Return the error of the outputs with each computing operation alone in 8 bits."""
    bar = Progbar(len(trials.computing), verbose=shown(verbose), unit_name="layer")
    errors: dict[Op, float] = {}
    for done, alone in enumerate(trials.computing, 1):
        errors[alone] = trials.error(quantization, alone)
        bar.update(done)
    return errors


def kept_within(
    max_error: float,
    model: Model,
    quantization: Quantization,
    images: Sequence[Float32Array],
    verbose: int | str,
    threads: int | None,
) -> Quantization:
    """Return `quantization` with more layers in float32, so that the error is at most `max_error`.

    The most sensitive ones first, and as few as are enough.

    Raises
    ------
    ValueError
        If no layer could be in 8 bits then.
    """
    trials = Trials(model, quantization, images, threads)
    if trials.error(quantization) <= max_error:
        return quantization
    errors = errors_alone(trials, quantization, verbose)
    order = sorted(errors, key=lambda op: -errors[op])

    def with_first(count: int) -> Quantization:
        names = [op.layers[0] for op in order[:count] if op.layers]
        return replace(quantization, kept=tuple(dict.fromkeys((*quantization.kept, *names))))

    few, many = 0, len(order)  # too few, and enough: none is left then
    while many - few > 1:
        middle = (few + many) // 2
        if trials.error(with_first(middle)) <= max_error:
            many = middle
        else:
            few = middle
    if many == len(order):
        least = min(order, key=lambda op: errors[op], default=None)
        alone = "" if least is None else f", where layer {label(least)!r} alone in 8 bits gives "
        raise ValueError(
            "`max_error` must leave a layer in 8 bits. Received: "
            f"max_error={max_error:g}{alone}{min(errors.values(), default=0):.2g}"
        )
    return with_first(many)


def shown(verbose: int | str) -> int:
    """Return what a progress bar takes for `verbose`."""
    return 1 if verbose == "auto" else int(verbose)
