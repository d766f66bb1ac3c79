"""The circle loss of embeddings (Sun et al., 2020, "Circle Loss")."""

from __future__ import annotations

from typing import cast

import numpy as np

from cnnfast.losses.arrays import Array, Float32Array, as_float32, positive_part
from cnnfast.losses.loss import LossFunctionWrapper


def circle(
    y_true: object,
    y_pred: object,
    ref_labels: object = None,
    ref_embeddings: object = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Float32Array:
    """Compare each embedding with all of its batch: those of its label near, the others far.

    Parameters
    ----------
    y_true
        Integer labels of shape ``(batch,)`` or ``(batch, 1)``.
    y_pred
        Embeddings of length 1, of shape ``(batch, dimensions)``.
    ref_labels, ref_embeddings
        What to compare with instead of the batch itself.
    remove_diagonal
        Whether an embedding is not compared with itself.
    gamma
        A factor of the distances.
    margin
        The distance within which those of a label should be.

    Returns
    -------
    array of shape (batch,)
        0 for an embedding that has none of its label, or none of another, beside it.

    Raises
    ------
    ValueError
        If a shape is another.
    """
    pred = as_float32(y_pred, "y_pred")
    labels = _as_labels(y_true, pred, "y_true")
    others = pred if ref_embeddings is None else as_float32(ref_embeddings, "ref_embeddings")
    other_labels = labels if ref_labels is None else _as_labels(ref_labels, others, "ref_labels")
    same = labels[:, None] == other_labels[None, :]
    different = ~same
    if remove_diagonal:
        same = same & (np.eye(*same.shape) == 0)
    distance = positive_part(1 - pred @ others.T)
    factor, near = np.float32(gamma), np.float32(margin)
    attraction = factor * positive_part(near + distance) * (distance - near)
    repulsion = factor * positive_part(1 + near - distance) * (1 - near - distance)
    logits = _log_sum(attraction, same) + _log_sum(repulsion, different)
    return cast(Float32Array, np.logaddexp(logits, np.float32(0.0)))


def _as_labels(values: object, embeddings: Float32Array, what: str) -> Array:
    labels = as_float32(values, what)
    fits = embeddings.ndim == 2 and labels.shape in ((len(embeddings),), (len(embeddings), 1))
    if not fits:
        raise ValueError(
            f"The circle loss takes embeddings of shape (batch, dimensions) and one label in "
            f"`{what}` for each. Received: {what}.shape={labels.shape}, "
            f"embeddings of shape {embeddings.shape}"
        )
    return labels.reshape(-1).astype(np.int32)


def _log_sum(values: Float32Array, mask: Array) -> Float32Array:
    """``log(sum(exp(values)))`` of each row, of the places of `mask` only."""
    chosen = np.where(mask, values, np.float32(-np.inf))
    return cast(Float32Array, np.logaddexp.reduce(chosen, axis=1))


class Circle(LossFunctionWrapper):
    """See `circle` and, for the other arguments, `Loss`.

    Embeddings whose value is 0 do not count in the mean.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: object = None,
    ) -> None:
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )

    def compute_mask(
        self, y_true: Float32Array, y_pred: Float32Array, values: Float32Array
    ) -> Array | None:
        """Return where the value is not 0."""
        del y_true, y_pred
        return np.greater(values, 0)
