"""What every metric shares: a state that batches are added to, and its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import numpy as np

from cnnfast.losses.arrays import Array, Float32Array, as_float32, match_ranks
from cnnfast.losses.loss import apply_mask
from cnnfast.utils.masked import mask_of
from cnnfast.utils.naming import auto_name

MetricFunction: TypeAlias = Callable[..., Any]


def samplewise(
    values: Array, sample_weight: Array | None, reduce: Callable[..., Any] = np.mean
) -> tuple[Array, Array | None]:
    """Weigh `values` and average both over all axes but the first, as Keras' metrics do.

    A weight per sample weighs the mean of the sample; a weight per place weighs the place.
    With ``reduce=np.sum`` sums stand for means.
    """
    if sample_weight is None:
        return _reduce_from_axis(values, 1, reduce), None
    values, sample_weight = match_ranks(values, sample_weight)
    rank = sample_weight.ndim
    values = _reduce_from_axis(values, rank, reduce)
    try:
        sample_weight = np.broadcast_to(sample_weight, values.shape)
    except ValueError:
        raise ValueError(
            "`sample_weight` must hold one weight per sample, or per place in it. "
            f"Received: sample_weight.shape={sample_weight.shape}, "
            f"metric values of shape {values.shape}"
        ) from None
    weighted = _reduce_from_axis(values * sample_weight, 1, reduce)
    return weighted, _reduce_from_axis(sample_weight, 1, reduce)


def _reduce_from_axis(values: Array, first: int, reduce: Callable[..., Any]) -> Array:
    if values.ndim <= first:
        return values
    return cast(Array, reduce(values, axis=tuple(range(first, values.ndim))))


class Metric:
    """Base class of metrics: a subclass gives `update_state`, `result` and `reset_state`.

    Parameters
    ----------
    dtype
        Kept for Keras' sake: the arithmetic is float32.
    name
        Defaults to the class name in snake case.
    """

    def __init__(self, dtype: object = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.dtype = dtype or "float32"

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add a batch to the state."""
        raise NotImplementedError(f"{type(self).__name__} must implement `update_state`.")

    def result(self) -> Any:
        """Return the metric over all batches since the last `reset_state`."""
        raise NotImplementedError(f"{type(self).__name__} must implement `result`.")

    def reset_state(self) -> None:
        """Forget all batches."""
        raise NotImplementedError(f"{type(self).__name__} must implement `reset_state`.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch and return the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Metric:
        """Make a metric from `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        """Show class and name."""
        return f"<{type(self).__name__} name={self.name}>"


def by_mask(masked: object, sample_weight: object) -> object:
    """Return the weights of samples, which are 0 where an array is masked."""
    weight = None if sample_weight is None else as_float32(sample_weight, "sample_weight")
    return apply_mask(weight, mask_of(masked), "sum")


def _weights(values: object, sample_weight: object) -> Float32Array | None:
    # As in Keras, a mask of the values themselves counts where there are weights.
    weight = None if sample_weight is None else by_mask(values, sample_weight)
    return None if weight is None else as_float32(weight, "sample_weight")


class RunningMean(Metric):
    """A weighted mean over all batches: ``sum(values * weights) / sum(weights)``."""

    def __init__(self, name: str | None = None, dtype: object = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        self.total = np.float32(0.0)
        self.count = np.float32(0.0)

    def accumulate(self, values: object, sample_weight: object = None) -> None:
        """Add `values`, averaged to one per sample; weights have fewer or as many axes."""
        weight = _weights(values, sample_weight)
        averaged, weight = samplewise(as_float32(values, "values"), weight)
        self.total = np.float32(self.total + averaged.sum(dtype=np.float32))
        added = averaged.size if weight is None else weight.sum(dtype=np.float32)
        self.count = np.float32(self.count + np.float32(added))

    def result(self) -> np.float32:
        """Return the mean, or 0 if the weights sum to 0."""
        return np.float32(self.total / self.count) if self.count else np.float32(0.0)


class Mean(RunningMean):
    """The weighted mean of the values it is given."""

    def __init__(self, name: str | None = "mean", dtype: object = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, values: object, sample_weight: object = None) -> None:
        """Add `values`, averaged to one per sample; weights have fewer or as many axes."""
        self.accumulate(values, sample_weight)


class Sum(Metric):
    """The weighted sum of the values it is given."""

    def __init__(self, name: str | None = "sum", dtype: object = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        self.total = np.float32(0.0)

    def update_state(self, values: object, sample_weight: object = None) -> None:
        """Add `values`; weights have fewer or as many axes."""
        weight = _weights(values, sample_weight)
        summed, _ = samplewise(as_float32(values, "values"), weight, np.sum)
        self.total = np.float32(self.total + summed.sum(dtype=np.float32))

    def result(self) -> np.float32:
        """Return the sum."""
        return self.total


class MeanMetricWrapper(RunningMean):
    """The mean of ``fn(y_true, y_pred, **kwargs)``, which gives one value per sample."""

    def __init__(
        self, fn: MetricFunction, name: str | None = None, dtype: object = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name or getattr(fn, "__name__", None), dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(self, y_true: object, y_pred: object, sample_weight: object = None) -> None:
        """Add a batch of labels and predictions."""
        with np.errstate(all="ignore"):
            values = self._fn(y_true, y_pred, **self._fn_kwargs)
            self.accumulate(values, by_mask(y_pred, sample_weight))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return super().get_config() | self._fn_kwargs
