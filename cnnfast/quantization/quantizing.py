"""`cnnfast.quantize`: a model in 8 bits from one in float32 and some images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cnnfast.engine.quantized.quantization import Quantization, is_of
from cnnfast.models.data import open_source
from cnnfast.models.eight_bits import weights_digest
from cnnfast.models.model import Model
from cnnfast.quantization.equalizing import equalized
from cnnfast.quantization.folders import pictures_in
from cnnfast.quantization.measuring import Measuring
from cnnfast.quantization.ranges import NAMES, ranges_of
from cnnfast.quantization.trials import Trials, kept_within, shown
from cnnfast.utils.display.progbar import Progbar

ModelT = TypeVar("ModelT", bound=Model)

AUTO = "auto"


def quantize(
    model: ModelT,
    images: Any,
    *,
    method: str = "auto",
    percentile: float = 99.99,
    equalize: bool = True,
    keep: Iterable[str] = (),
    max_error: float | None = None,
    preprocess: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    verbose: int | str = "auto",
    threads: int | None = None,
) -> ModelT:
    """Return `model` in 8 bits, measured on `images`.

    Convolutions, dense layers and what stands between them compute with bytes: exact sums of
    products of 8 bits, which give the same bits on every processor. Weights have a scale for each
    output channel, activations one for each tensor. The rest of the network, such as a softmax at
    its end, stays float32, and so does the network where it says the answer.

    Parameters
    ----------
    model
        In float32. It is left as it is; the new one shares its layers and weights.
    images
        Some hundred images like those that the network will see, prepared as for `predict`: an
        array, a list of arrays for several inputs, a generator or data set of batches, or the path
        of a folder of pictures, which are resized to what the network takes.
    method
        How the range of each tensor is chosen from the numbers seen: ``"mse"``, with the smallest
        mean squared error; ``"min_max"``, all of them; ``"percentile"``; ``"entropy"``; or
        ``"auto"``, the one with the smallest error of the outputs on the first 32 images.
    percentile
        Of the numbers, that a range holds, for ``method="percentile"``.
    equalize
        Whether channels may have scales of their own where convolutions alone read them, which take
        the scales into their weights; done where it makes the error smaller.
    keep
        Names of layers that stay float32; of a model inside, all its layers.
    max_error
        The largest error of the outputs, relative to their root mean square: layers stay float32,
        the most sensitive ones first, until it is no more on the first 32 images.
    preprocess
        A function of a batch of pictures, (batch, height, width, channels) with numbers from 0 to
        255, for a folder.
    batch_size, steps
        As for `predict`; they change memory alone.
    verbose
        0 is silent, 1 (``"auto"``) shows a progress bar.
    threads
        At most so many threads.

    Returns
    -------
    Model
        Of the class of `model`, with `quantization`. It predicts, evaluates and pickles as any
        other, and saves as a ``.keras`` file that Keras loads in float32. Its weights cannot be
        changed.

    Raises
    ------
    ValueError
        If there are no images, all their numbers are one, or one is NaN or infinite; if `method` is
        unknown, a name in `keep` is that of no layer, or `max_error` cannot be reached.
    UnsupportedError
        If the model has functions of yours in NumPy, or keeps states, or is in 8 bits.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnfast import Sequential, layers, quantize
    >>> model = Sequential([layers.Input((16, 16, 3)), layers.Conv2D(8, 3), layers.Flatten()])
    >>> images = np.random.default_rng(0).random((8, 16, 16, 3), np.float32)
    >>> quantize(model, images, verbose=0).predict(images, verbose=0).shape
    (8, 1568)
    """
    check(model, method, percentile)
    kept = names_to_keep(model, keep)
    measuring = measured(model, images, preprocess, batch_size, steps, verbose, threads)
    found = best(model, method, percentile, equalize, kept, measuring, threads)
    if max_error is not None:
        found = kept_within(_positive(max_error), model, found, measuring.sample, verbose, threads)
    return model.quantized(found)


def measured(
    model: Model,
    images: Any,
    preprocess: Any,
    batch_size: int | None,
    steps: int | None,
    verbose: int | str,
    threads: int | None,
) -> Measuring:
    """Return what was seen of the values of `model` on `images`; see `quantize`."""
    if isinstance(images, str | Path):
        images = pictures_in(images, model, preprocess, batch_size)
    elif preprocess is not None:
        raise ValueError(
            "`preprocess` is for a folder of pictures; other images are prepared as for `predict`. "
            f"Received: preprocess={preprocess!r} with images of type {type(images).__name__}"
        )
    source = open_source(images, batch_size=batch_size, steps=steps)
    measuring = Measuring(model)
    bar = Progbar(source.steps, verbose=shown(verbose), unit_name="batch")
    for done, batch in enumerate(source, 1):
        arrays = model._prepare(batch.x)
        if len(arrays[0]):
            measuring.add(arrays, threads)
        bar.update(done)
    return measuring


def best(
    model: Model,
    method: str,
    percentile: float,
    equalize: bool,
    kept: tuple[str, ...],
    measuring: Measuring,
    threads: int | None,
) -> Quantization:
    """Return the quantization by `method`; of several the one with the smallest error."""
    seen, digest = measuring.seen(), weights_digest(model)
    found = [
        Quantization(ranges_of(seen, name, percentile), kept, name, measuring.images, digest)
        for name in (NAMES if method == AUTO else (method,))
    ]
    if equalize:
        factors = equalized(model, found, seen, percentile, measuring.sample, threads)
        found += [replace(one, equalized=own) for one, own in factors]
    if len(found) == 1:
        return found[0]
    return min(found, key=Trials(model, found[0], measuring.sample, threads).error)


def check(model: Any, method: str, percentile: float) -> None:
    """Raise where these cannot be quantized, or quantized by."""
    if not isinstance(model, Model):
        raise ValueError(
            "What is quantized is a model of cnnfast, such as `load_model` or `from_keras` "
            f"returns. Received: {model!r} (of type {type(model).__name__})"
        )
    if model.quantization is not None:
        raise model.unsupported(
            "is in 8 bits. Received: a model that `quantize` returned",
            advice="Quantize the model in float32.",
        )
    if method not in (AUTO, *NAMES):
        raise ValueError(f"`method` must be one of {[AUTO, *NAMES]}. Received: method={method!r}")
    if not 50 < percentile <= 100:
        raise ValueError(
            f"`percentile` must be more than 50 and at most 100. Received: percentile={percentile}"
        )


def names_to_keep(model: Model, keep: Iterable[str]) -> tuple[str, ...]:
    """Return names of layers as a tuple.

    Raises
    ------
    ValueError
        If one is the name of no layer.
    """
    names = (keep,) if isinstance(keep, str) else tuple(keep)
    known = {layer.name for layer in model.layers}
    for name in names:
        if not any(is_of(own, str(name)) for own in known):
            raise ValueError(
                f"`keep` has names of layers, which are {sorted(known)}. Received: {name!r}"
            )
    return names


def _positive(max_error: float) -> float:
    if not max_error > 0:
        raise ValueError(f"`max_error` must be positive. Received: max_error={max_error!r}")
    return float(max_error)
