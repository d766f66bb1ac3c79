"""What every loss shares: weights, masks and the reduction of the values to one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import numpy as np

from cnnfast.losses.arrays import Array, Float32Array, as_float32, match_ranks
from cnnfast.utils.masked import mask_of
from cnnfast.utils.naming import auto_name

LossFunction: TypeAlias = Callable[..., Any]

AUTO_REDUCTION = "sum_over_batch_size"
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def reduce_weighted(
    values: Array, sample_weight: Array | None, reduction: str | None
) -> np.float32 | Float32Array:
    """Weigh `values` and reduce them to one number as `reduction` says (see `Loss`)."""
    if sample_weight is not None:
        values, sample_weight = match_ranks(values, sample_weight)
        values = _weigh(values, sample_weight)
    if reduction in ("none", None) or values.shape in ((), (0,)):
        return cast(Float32Array, values)
    total = np.float32(values.sum())
    if reduction == "sum":
        return total
    divisor = np.float32(values.size)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        divisor = np.float32(sample_weight.sum())
    return np.float32(total / divisor) if divisor else np.float32(0.0)


def apply_mask(
    sample_weight: Array | None, mask: Array | None, reduction: str | None
) -> Array | None:
    """Turn `mask` into weights and join them with `sample_weight`.

    With a mean over all values the valid ones weigh ``all / valid``, so that the result is
    the mean over the valid ones.
    """
    if mask is None:
        return sample_weight
    weight = mask.astype(np.float32)
    if reduction in ("mean", "sum_over_batch_size"):
        valid = weight.sum()
        weight = weight * (np.float32(mask.size) / valid if valid else np.float32(0.0))
    if sample_weight is None:
        return weight
    return _weigh(*match_ranks(weight, sample_weight))


def _both(mask: Array | None, other: Array | None) -> Array | None:
    if mask is None or other is None:
        return other if mask is None else mask
    return np.logical_and(mask, other)


def _weigh(values: Array, sample_weight: Array) -> Array:
    try:
        return values * sample_weight
    except ValueError:
        raise ValueError(
            "`sample_weight` must hold one weight per sample, or per value of the loss. "
            f"Received: sample_weight.shape={sample_weight.shape}, values of shape {values.shape}"
        ) from None


class Loss:
    """Base class of losses: a subclass gives `call`, one value per sample.

    Parameters
    ----------
    name
        Defaults to the class name in snake case.
    reduction
        ``"sum_over_batch_size"`` or ``"mean"`` (sum of the weighted values / their number),
        ``"sum"``, ``"mean_with_sample_weight"`` (sum / sum of the weights), ``"none"`` or
        None (no reduction).
    dtype
        Kept for Keras' sake: the arithmetic is float32.
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: object = None,
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(
                "Invalid value for argument `reduction`. "
                f"Expected one of {REDUCTIONS}. Received: reduction={reduction!r}"
            )
        self.name = name or auto_name(type(self).__name__)
        self.reduction = reduction
        self.dtype = dtype or "float32"

    def __call__(
        self, y_true: object, y_pred: object, sample_weight: object = None
    ) -> np.float32 | Float32Array:
        """Return the reduced loss of a batch, a float32 number (an array without reduction)."""
        true, pred = as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred")
        weight = None if sample_weight is None else as_float32(sample_weight, "sample_weight")
        with np.errstate(all="ignore"):
            values = as_float32(self.call(true, pred), "loss")
            mask = _both(mask_of(y_pred), self.compute_mask(true, pred, values))
            weight = apply_mask(weight, mask, self.reduction)
            return reduce_weighted(values, weight, self.reduction)

    def call(self, y_true: Float32Array, y_pred: Float32Array) -> Any:
        """Return the loss of each sample (or of each place in it)."""
        raise NotImplementedError(f"{type(self).__name__} must implement `call(y_true, y_pred)`.")

    def compute_mask(
        self, y_true: Float32Array, y_pred: Float32Array, values: Float32Array
    ) -> Array | None:
        """Return which `values` of `call` count, or None for all of them."""
        del y_true, y_pred, values
        return None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Loss:
        """Make a loss from `get_config`; also reads what Keras 2 wrote (``reduction="auto"``)."""
        arguments = dict(config)
        if arguments.get("reduction") == "auto":
            arguments["reduction"] = AUTO_REDUCTION
        return cls(**arguments)


class LossFunctionWrapper(Loss):
    """A loss from ``fn(y_true, y_pred, **kwargs)``, one value per sample; see `Loss`."""

    def __init__(
        self,
        fn: LossFunction,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: object = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Float32Array, y_pred: Float32Array) -> Any:
        """Apply the function after `match_ranks`."""
        return self.fn(*match_ranks(y_true, y_pred), **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return super().get_config() | self._fn_kwargs

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Loss:
        """Make a loss from `get_config`; the function of a subclass is known without it."""
        return super().from_config({key: item for key, item in config.items() if key != "fn"})
