"""Predicting with a model and judging it: the part of Keras' `Model` that users call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from cnnfast.layers.base.layer import Layer
from cnnfast.models.data import (
    DEFAULT_BATCH_SIZE,
    Batch,
    Source,
    check_cardinality,
    open_source,
    require_samples,
    to_arrays,
)
from cnnfast.models.steps import OwnSteps
from cnnfast.utils.tree import map_leaves

if TYPE_CHECKING:
    from cnnfast.callbacks import CallbackList
    from cnnfast.engine.ops import Float32Array
    from cnnfast.layers.base.array_masks import MaskExecutor
    from cnnfast.models.scoring import Scoring
    from cnnfast.optimizers import Optimizer


class Inference(OwnSteps, Layer):
    """A layer that can be compiled, predicts and evaluates."""

    optimizer: Optimizer | dict[str, Any] | None = None
    loss: Any = None
    steps_per_execution: int = 1
    run_eagerly: bool = False
    jit_compile: bool | str = "auto"
    stop_evaluating: bool = False
    stop_predicting: bool = False
    _lost_masks: bool = False
    _scoring: Scoring | None = None
    _compile_arguments: Mapping[str, Any] | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in Inference.__annotations__:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    # --- compile --------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say what `evaluate` computes.

        Parameters
        ----------
        optimizer
            Checked and kept, but not used: a name, a serialized dict, an optimizer of
            `cnnfast.optimizers` or of Keras, or None.
        loss
            A name, a serialized dict, a loss of `cnnfast.losses` or of Keras, or a function
            ``(y_true, y_pred) -> one value per sample``; with several outputs, a list or a
            dict of them.
        loss_weights
            What each output's loss is multiplied by in the sum.
        metrics, weighted_metrics
            Lists of the same for metrics; only the second takes sample weights into account.
            ``"accuracy"`` is binary, categorical or sparse accuracy as the shapes tell.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Kept for Keras' sake; they change nothing.

        Raises
        ------
        ValueError
            If a name is unknown; the message lists the known ones.
        """
        # Judging a model is not part of predicting with it.
        from cnnfast.models.scoring import Scoring
        from cnnfast.optimizers.known import kept

        del auto_scale_loss
        kept_optimizer = kept(optimizer)
        scoring = Scoring(loss, loss_weights, metrics, weighted_metrics, self._output_keys())
        self.optimizer, self.loss = kept_optimizer, loss
        self.run_eagerly = run_eagerly
        self.steps_per_execution = steps_per_execution
        self.jit_compile = jit_compile
        self._scoring = scoring
        self._compile_arguments = {
            "optimizer": _as_given(optimizer, kept_optimizer),
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }

    def _output_keys(self) -> list[str] | None:
        """Return the names by which dicts of losses and targets know the outputs."""
        return getattr(self, "output_names", None)

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._scoring is not None

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the last `evaluate`: the loss first; empty before `compile`."""
        return [] if self._scoring is None else self._scoring.metrics

    @property
    def metrics_names(self) -> list[str]:
        """Keras' names of its groups of metrics, ``["loss", "compile_metrics"]``."""
        return [] if self._scoring is None else self._scoring.metrics_names

    def reset_metrics(self) -> None:
        """Forget the batches that the metrics have seen."""
        if self._scoring is not None:
            self._scoring.reset()

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the metrics over all batches since the last reset, by name."""
        return self._require_compiled().logs()

    def _get_compile_config(self) -> dict[str, Any] | None:
        return self.get_compile_config()

    def get_compile_config(self) -> dict[str, Any]:
        """Return the arguments of `compile` as Keras serializes them; empty before it."""
        from cnnfast import losses, metrics
        from cnnfast.utils.identifiers import serialize_object

        if self._compile_arguments is None:
            return {}
        config = dict(self._compile_arguments)
        for name, module in (
            ("loss", losses),
            ("metrics", metrics),
            ("weighted_metrics", metrics),
        ):
            config[name] = map_leaves(module.serialize, config[name])
        config["optimizer"] = serialize_object("keras.optimizers", config["optimizer"])
        return config

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Call `compile` with what `get_compile_config`, or that of Keras, returned.

        Raises
        ------
        ValueError
            If it holds an unknown name or argument.
        """
        try:
            self.compile(**config)
        except TypeError as error:
            raise ValueError(f"The compile config was not understood: {error}") from error

    def _require_compiled(self) -> Scoring:
        if self._scoring is None:
            raise ValueError("You must call `compile()` before using the model.")
        return self._scoring

    # --- predict --------------------------------------------------------------------------

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        threads: int | None = None,
    ) -> Any:
        """Return the predictions for all samples of `x`.

        Parameters
        ----------
        x
            An array of shape ``(samples, ...)`` of any numeric dtype, that of another library
            too (torch, TensorFlow, JAX, whatever speaks DLPack or the buffer protocol), a list or
            dict of arrays for several inputs, a generator of batches, or a data set such as
            ``keras.utils.PyDataset``, `tf.data.Dataset` or torch's `DataLoader`.
        batch_size
            Samples per batch of arrays, 32 by default. It changes memory and speed, and no
            bit of the result.
        verbose
            0 is silent, 1 (``"auto"``) shows a progress bar, 2 one line at the end.
        steps
            Number of batches to take; all by default.
        callbacks
            `Callback` objects, of this package or of Keras.
        threads
            At most so many threads; `cnnfast.get_num_threads()` by default. It changes no bit
            of the result.

        Returns
        -------
        numpy.ndarray
            Float32, one row per sample; for several outputs a list or dict of arrays, as the
            model has them. Without samples it has no rows, as what a call of Keras' model
            returns; the `predict` of Keras fails there.

        Raises
        ------
        ValueError
            If `x` does not fit the model, or `batch_size`, `steps` or `threads` is not a positive
            integer.
        """
        if verbose == 0 and callbacks is None and steps is None and type(x) is np.ndarray:
            limit = DEFAULT_BATCH_SIZE if batch_size is None else batch_size
            if type(limit) is int and x.ndim and x.shape[0] <= limit > 0:
                return self.predict_on_batch(x, threads)
        from cnnfast.callbacks.callback_list import for_run

        source = open_source(x, batch_size=batch_size, steps=steps)
        # A bar of no images would say that a step was done.
        shown = 0 if source.samples == 0 else verbose
        hooks = for_run(callbacks, self, shown, source.steps)
        return self._pack(self._predict_all(source, hooks, threads))

    def predict_on_batch(self, x: Any, threads: int | None = None) -> Any:
        """Return the predictions for one batch; see `predict`."""
        if self._own_steps:
            self._check_steps(evaluating=False)
        arrays = self._prepare(x)
        return self._pack(self._executor_of(arrays).run(arrays, threads=threads))

    def reset_state(self) -> None:
        """Let all stateful layers start from zeros again."""
        for layer in self._flatten_layers():
            if layer is not self and getattr(layer, "stateful", False):
                layer.reset_state()  # type: ignore[attr-defined]

    reset_states = reset_state

    def _predict_all(
        self, source: Source, hooks: CallbackList, threads: int | None
    ) -> list[Float32Array]:
        if self._own_steps:
            self._check_steps(evaluating=False)
        outputs = _Outputs(source.samples)
        self.stop_predicting = False
        hooks.call("on_predict_begin", {})
        for step, batch in enumerate(source):
            hooks.call("on_predict_batch_begin", step, {})
            arrays = self._prepare(batch.x)
            places = outputs.places(len(arrays[0]))
            predictions = self._executor_of(arrays).run(arrays, places, threads)
            outputs.add(predictions)
            hooks.call("on_predict_batch_end", step, {"outputs": self._pack(predictions)})
            if self.stop_predicting:
                break
        hooks.call("on_predict_end", {})
        return outputs.joined()

    # --- evaluate -------------------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        threads: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the loss and the metrics over all samples.

        Not to be called from several threads at once: the metrics are the model's own.

        Parameters
        ----------
        x, batch_size, verbose, steps, callbacks, threads
            As in `predict`; a generator yields ``(x, y)`` or ``(x, y, sample_weight)``.
        y
            Targets, with as many samples as `x`.
        sample_weight
            A weight for each sample, or for each place in it.
        return_dict
            Whether to return a dict by name instead of a list.

        Returns
        -------
        float, list or dict
            The loss, or the loss and the metrics in the order of `compile`.

        Raises
        ------
        ValueError
            Before `compile`, or if data is empty, missing, or of a shape that does not fit.
        """
        from cnnfast.callbacks.callback_list import for_run

        self._check_steps(evaluating=True)
        scoring = self._require_compiled()
        if kwargs:
            raise ValueError(f"Arguments not recognized: {kwargs}")
        source = open_source(x, y, sample_weight, batch_size, steps)
        hooks = for_run(callbacks, self, verbose, source.steps)
        self.stop_evaluating = False
        scoring.reset()
        hooks.call("on_test_begin", {})
        for step, batch in enumerate(source):
            hooks.call("on_test_batch_begin", step, {})
            self._score(scoring, batch, threads)
            hooks.call("on_test_batch_end", step, scoring.logs())
            if self.stop_evaluating:
                break
        logs = scoring.logs()
        hooks.call("on_test_end", logs)
        return logs if return_dict else scoring.in_order(logs)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        threads: int | None = None,
    ) -> Any:
        """Return the loss and the metrics of one batch; see `evaluate`."""
        self._check_steps(evaluating=True)
        scoring = self._require_compiled()
        batch = Batch(
            to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight")
        )
        check_cardinality(batch)
        scoring.reset()
        self._score(scoring, batch, threads)
        logs = scoring.logs()
        return logs if return_dict else scoring.in_order(logs)

    def _penalty(self) -> np.float32:
        """Return what regularization adds to the loss."""
        return np.float32(0.0)

    def _score(self, scoring: Scoring, batch: Batch, threads: int | None) -> None:
        require_samples(batch)
        arrays = self._prepare(batch.x)
        penalty = self._penalty()
        predictions = self._judged(arrays, threads)
        try:
            scoring.update(batch.y, predictions, batch.sample_weight, penalty)
        except ValueError as error:
            raise ValueError(f"Model '{self.name}': {error}") from error

    def _judged(self, arrays: list[Float32Array], threads: int | None) -> list[Float32Array]:
        """Return the predictions for arrays, with their masks, by which Keras weighs them."""
        if self._lost_masks:
            raise self.unsupported(
                "was made of a Keras model whose outputs have masks by which `evaluate` weighs, "
                "and these come of classes that are not here. Received: evaluate",
                advice="Call `predict`, and weigh what it returns by the mask; or make the model "
                "of the classes themselves, with `cnnfast` in place of `keras` in their imports.",
            )
        if self._apart and self.makes_masks:
            return self._mask_executor_of(arrays).run(arrays, threads)
        return self._executor_of(arrays).run(arrays, threads=threads)

    def _mask_executor_of(self, arrays: list[Float32Array]) -> MaskExecutor:
        """Return what runs on `arrays`, which `_prepare` returned, and gives the masks, too."""
        return self._executor_in(False)

    # --- training, which Keras does -------------------------------------------------------

    def fit(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise `NotImplementedError`: models are trained in Keras and loaded here."""
        from cnnfast.utils import training

        training.refuse()

    def train_on_batch(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise `NotImplementedError`: models are trained in Keras and loaded here."""
        from cnnfast.utils import training

        training.refuse()

    def quantize(self, mode: str | None = None, config: Any = None, **kwargs: Any) -> NoReturn:
        """Raise `UnsupportedError`: models are quantized in Keras, and their files load here."""
        raise self.unsupported(
            f"is quantized in Keras. Received: mode={mode!r}, config={config!r:.200}",
            advice=f"Call `model.quantize({mode or 'int8'!r})` and `model.save(…)` there, and load "
            "the file here; or give the model that is in memory there to `cnnfast.from_keras`.",
        )


def _as_given(optimizer: Any, kept: Any) -> Any:
    """Return what a file says of an optimizer: names and dicts as they were given."""
    return optimizer if isinstance(optimizer, str | Mapping) else kept


class _Outputs:
    """The predictions of all batches, written in place where their number is known."""

    def __init__(self, samples: int | None) -> None:
        self._samples = samples
        self._batches: list[Sequence[Float32Array]] = []
        self._whole: list[Float32Array] = []
        self._done = 0

    def places(self, count: int) -> list[Float32Array] | None:
        """Return where the next `count` predictions go, or None before their shape is known."""
        part = slice(self._done, self._done + count)
        return [array[part] for array in self._whole] or None

    def add(self, predictions: Sequence[Float32Array]) -> None:
        """Take the predictions of a batch, which may stand in their places already."""
        count = len(predictions[0])
        if self._samples is None or (self._done == 0 and count == self._samples):
            self._batches.append(predictions)
        elif not self._whole:
            self._whole = [np.empty((self._samples, *p.shape[1:]), p.dtype) for p in predictions]
            for array, first in zip(self._whole, predictions, strict=True):
                array[:count] = first
        self._done += count

    def joined(self) -> list[Float32Array]:
        """Return all predictions, one array per output."""
        if self._whole:
            return [array[: self._done] for array in self._whole]
        if len(self._batches) == 1:
            return list(self._batches[0])
        return [np.concatenate(parts) for parts in zip(*self._batches, strict=True)]
