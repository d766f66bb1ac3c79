"""What `compile` asked for: losses and metrics, and their state over the batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnfast import losses as losses_module
from cnnfast import metrics as metrics_module
from cnnfast.losses import LossFunctionWrapper
from cnnfast.losses.arrays import Array, Float32Array, as_float32
from cnnfast.metrics import Mean, MeanMetricWrapper
from cnnfast.utils.naming import to_snake_case
from cnnfast.utils.tree import is_nested, leaves, map_leaves

# What is meant depends on the shapes of labels and predictions, so on the first batch.
DEFERRED_LOSSES = frozenset({"crossentropy", "ce"})
DEFERRED_METRICS = frozenset({"accuracy", "acc"})


@dataclass
class _Output:
    """The losses and metrics of one output; `name` is set where there are several."""

    name: str | None
    loss: Any
    weight: float | None
    tracker: Mean | None
    metrics: list[Any] = field(default_factory=list)
    weighted_metrics: list[Any] = field(default_factory=list)

    @property
    def is_judged(self) -> bool:
        """Whether there is a loss or a metric, so that targets are needed."""
        return self.loss is not None or bool(self.metrics or self.weighted_metrics)


class Scoring:
    """Losses and metrics of a model, checked when made and resolved on the first batch.

    Parameters
    ----------
    loss, loss_weights, metrics, weighted_metrics
        As `compile` takes them.
    output_names
        Names of the outputs, where the model has names for them.

    Raises
    ------
    ValueError
        If a name is unknown.
    """

    def __init__(
        self,
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        _check_container("metrics", metrics, "a list, tuple, or dict", list | tuple | Mapping)
        _check_container(
            "weighted_metrics", weighted_metrics, "a list, tuple, or dict", list | tuple | Mapping
        )
        _check_container(
            "loss_weights",
            loss_weights,
            "a float (single output case) or a list, tuple, or dict (multiple output case)",
            float | int | list | tuple | Mapping,
        )
        for weight in leaves(loss_weights):
            if not isinstance(weight, float | int | None):
                raise ValueError(
                    f"`loss_weights` must hold numbers. Received: loss_weights={loss_weights}"
                )
        self._loss = map_leaves(_known_loss, loss)
        self._loss_weights = loss_weights
        self._metrics = map_leaves(_known_metric, metrics)
        self._weighted_metrics = map_leaves(_known_metric, weighted_metrics)
        self._output_names = output_names
        self._loss_tracker = Mean(name="loss")
        self._outputs: list[_Output] = []

    @property
    def metrics(self) -> list[Any]:
        """All metrics: the loss, the metrics, and the loss of each of several outputs.

        Metrics are there once the first batch has shown what they are.
        """
        return [self._loss_tracker, *self._each_metric(), *self._trackers()]

    @property
    def metrics_names(self) -> list[str]:
        """Keras' names of its groups of metrics."""
        group = ["compile_metrics"] if self._metrics or self._weighted_metrics else []
        return ["loss", *group, *(tracker.name for tracker in self._trackers())]

    def reset(self) -> None:
        """Forget all batches."""
        for metric in self.metrics:
            metric.reset_state()

    def update(
        self,
        y_true: Any,
        y_pred: Sequence[Array],
        sample_weight: Any = None,
        penalty: float | np.float32 = 0.0,
    ) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true
            Targets: an array, or a list or dict of them where there are several outputs.
        y_pred
            Predictions, one array per output.
        sample_weight
            One weight per sample (or place in it), None, or one of these per output.
        penalty
            What regularization adds to the loss.

        Raises
        ------
        ValueError
            If there is no loss or no target, or a shape does not fit; the loss or metric that
            finds it is named.
        """
        count = len(y_pred)
        targets = self._spread("y", y_true, count)
        weights = self._spread("sample_weight", sample_weight, count, shared=True)
        if not self._outputs:
            self._outputs = self._resolve(targets, y_pred)
        batch = len(y_pred[0])
        total: Any = np.float32(penalty)
        rows = zip(self._outputs, targets, y_pred, weights, strict=True)
        for output, target, prediction, weight in rows:
            if output.is_judged:
                _require_target(target)
            if output.loss is not None:
                total = total + _add_loss(output, target, prediction, weight, batch)
            for metric in output.metrics:
                _named("metric", metric, metric.update_state, target, prediction)
            for metric in output.weighted_metrics:
                _named("metric", metric, metric.update_state, target, prediction, weight)
        self._loss_tracker.update_state(total, sample_weight=batch)

    def logs(self) -> dict[str, Any]:
        """Return all results by name, as Keras sorts them."""
        results = {"loss": _number(self._loss_tracker.result())} | self._metric_results()
        results |= {tracker.name: _number(tracker.result()) for tracker in self._trackers()}
        return dict(sorted(results.items()))

    def in_order(self, logs: Mapping[str, Any]) -> Any:
        """Return the results as Keras' list: the loss first, or a number if it is alone.

        Names that Keras made up itself (``weighted_mse``, ``mse_1``) stand last, and the name
        that they stem from stands once for each metric that has it.
        """
        names = [metric.name for metric in self.metrics]
        results = [logs[name] for name in names if name in logs]
        results += [logs[name] for name in sorted(logs) if name not in names]
        return results[0] if len(results) == 1 else results

    def _metric_results(self) -> dict[str, Any]:
        results: dict[str, Any] = {}
        uses: Counter[str] = Counter()
        for weighted in (False, True):
            for output in self._outputs:
                prefix = f"{output.name}_" if output.name else ""
                for metric in output.weighted_metrics if weighted else output.metrics:
                    name = f"{prefix}{metric.name}"
                    if weighted and uses[name]:
                        name = f"{prefix}weighted_{metric.name}"
                    key = f"{name}_{uses[name]}" if uses[name] else name
                    uses[name] += 1
                    results[key] = _number(metric.result())
        return results

    def _each_metric(self) -> Iterator[Any]:
        for output in self._outputs:
            yield from output.metrics
        for output in self._outputs:
            yield from output.weighted_metrics

    def _trackers(self) -> list[Mean]:
        return [output.tracker for output in self._outputs if output.tracker is not None]

    def _resolve(self, targets: Sequence[Any], predictions: Sequence[Array]) -> list[_Output]:
        """Give every output its losses and metrics; the shapes say what "accuracy" is."""
        count = len(predictions)
        losses = self._spread("loss", self._loss, count, shared=True)
        several = sum(loss is not None for loss in losses) > 1
        if all(loss is None for loss in losses):
            raise ValueError("No loss to compute. Provide a `loss` argument in `compile()`.")
        weights = self._spread("loss_weights", self._loss_weights, count)
        metrics = self._spread_metrics("metrics", self._metrics, count)
        weighted = self._spread_metrics("weighted_metrics", self._weighted_metrics, count)
        outputs = []
        for index, (target, prediction) in enumerate(zip(targets, predictions, strict=True)):
            loss = losses[index]
            if isinstance(loss, str):
                loss = _resolve_crossentropy(loss, target, prediction)
            name = self._name(index) if count > 1 else None
            outputs.append(
                _Output(
                    name=name,
                    loss=loss,
                    weight=weights[index],
                    tracker=Mean(name=f"{name}_loss") if several and loss is not None else None,
                    metrics=[_resolve_metric(m, target, prediction) for m in metrics[index]],
                    weighted_metrics=[
                        _resolve_metric(m, target, prediction) for m in weighted[index]
                    ],
                )
            )
        return outputs

    def _name(self, index: int) -> str:
        return self._output_names[index] if self._output_names else f"output_{index}"

    def _spread(self, what: str, value: Any, count: int, shared: bool = False) -> list[Any]:
        """Return one item per output; a single value is for the only output, or `shared`."""
        if value is None:
            return [None] * count
        if isinstance(value, Mapping) and is_nested(value):
            if count == 1 and len(value) == 1 and not self._output_names:
                return list(value.values())
            names = [self._name(index) for index in range(count)]
            if not set(value) <= set(names):
                raise ValueError(
                    f"The keys of `{what}` must be output names, of {names}. "
                    f"Received: {list(value)}"
                )
            return [value.get(name) for name in names]
        items = list(value) if is_nested(value) else [value] * (count if shared else 1)
        if len(items) != count:
            raise ValueError(
                f"`{what}` must hold one item for each of the {count} output(s) of the model. "
                f"Received: {len(items)} item(s)"
            )
        return items

    def _spread_metrics(self, what: str, value: Any, count: int) -> list[list[Any]]:
        """Return a list of metrics per output; all are for it if there is only one."""
        rows = [value] if count == 1 else self._spread(what, value, count)
        return [[leaf for leaf in leaves(row) if leaf is not None] for row in rows]


def _check_container(name: str, value: Any, expected: str, kinds: Any) -> None:
    if value is not None and not isinstance(value, kinds):
        raise ValueError(
            f"Expected `{name}` argument to be {expected}. "
            f"Received instead: {name}={value} of type {type(value)}"
        )


def _known_loss(identifier: Any) -> Any:
    """Check a loss; a function becomes a `Loss` of the name it was asked for by."""
    if isinstance(identifier, str) and identifier.lower() in DEFERRED_LOSSES:
        return identifier
    loss = losses_module.get(identifier)
    if loss is None or hasattr(loss, "reduction"):
        return loss
    name = identifier if isinstance(identifier, str) else _function_name(loss)
    return losses_module.as_loss(loss, name)


def _known_metric(identifier: Any) -> Any:
    """Check a metric; it gets the name it was asked for by."""
    if isinstance(identifier, str) and identifier.lower() in DEFERRED_METRICS:
        return identifier
    metric = metrics_module.get(identifier)
    if metric is None:
        return None
    if not hasattr(metric, "update_state"):
        metric = MeanMetricWrapper(metric, name=_function_name(metric))
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def _function_name(function: Any) -> str:
    return to_snake_case(getattr(function, "__name__", type(function).__name__))


def _require_target(target: Array | None) -> None:
    if target is None:
        raise ValueError(
            "The targets `y` are needed to compute the loss and the metrics. Received: y=None"
        )


def _kind_of_labels(target: Array, prediction: Array) -> str:
    """Tell "binary", "sparse" and "categorical" labels apart by the shapes, as Keras does."""
    _require_target(target)
    if prediction.shape[-1] == 1:
        return "binary"
    if target.ndim < prediction.ndim or target.shape[-1] == 1:
        return "sparse"
    return "categorical"


def _resolve_crossentropy(name: str, target: Array, prediction: Array) -> LossFunctionWrapper:
    functions = {
        "binary": losses_module.binary_crossentropy,
        "sparse": losses_module.sparse_categorical_crossentropy,
        "categorical": losses_module.categorical_crossentropy,
    }
    return LossFunctionWrapper(functions[_kind_of_labels(target, prediction)], name=name)


def _resolve_metric(metric: Any, target: Array, prediction: Array) -> Any:
    if not isinstance(metric, str):
        return metric
    classes: dict[str, Callable[..., Any]] = {
        "binary": metrics_module.BinaryAccuracy,
        "sparse": metrics_module.SparseCategoricalAccuracy,
        "categorical": metrics_module.CategoricalAccuracy,
    }
    return classes[_kind_of_labels(target, prediction)](name=metric)


def _add_loss(
    output: _Output, target: Array, prediction: Array, weight: Any, batch: int
) -> Float32Array:
    """Add a batch to the output's own loss; return it weighted for the total."""
    value = _named("loss", output.loss, output.loss, target, prediction, weight)
    value = as_float32(value, "loss")
    if output.tracker is not None:
        output.tracker.update_state(value, sample_weight=batch)
    return value if output.weight is None else value * np.float32(output.weight)


def _named(kind: str, item: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Call `function`; an error says in which loss or metric."""
    try:
        return function(*args)
    except ValueError as error:
        raise ValueError(f"In {kind} '{getattr(item, 'name', item)}': {error}") from error


def _number(value: Any) -> Any:
    """Return a Python float where `value` is one number, else `value`."""
    if np.ndim(value):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
