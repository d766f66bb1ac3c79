"""Optimizers that are made of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.optimizers.known import deserialize, serialize
from cnnfast.optimizers.optimizer import DecayingOptions, LearningRate, Optimizer

if TYPE_CHECKING:
    from typing import Self, Unpack


class Muon(Optimizer):
    """Orthogonal steps for matrices, those of AdamW for other weights.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    adam_beta_1, adam_beta_2, adam_weight_decay, epsilon
        Of AdamW.
    weight_decay
        What matrices shrink by in each step.
    exclude_layers
        Parts of the names of layers that AdamW takes.
    exclude_embeddings
        Whether AdamW takes those.
    muon_a, muon_b, muon_c
        Of the polynomial that makes a step orthogonal.
    adam_lr_ratio
        Of the learning rate of AdamW to the other.
    momentum, nesterov
        As of `SGD`.
    ns_steps
        How often the polynomial is applied.
    rms_rate
        Scales steps to the size of those of Adam; None for not.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Muon(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Unpack[DecayingOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
        self._keep(
            adam_beta_1=adam_beta_1,
            adam_beta_2=adam_beta_2,
            epsilon=epsilon,
            exclude_layers=list(exclude_layers or []),
            muon_a=muon_a,
            muon_b=muon_b,
            muon_c=muon_c,
            adam_lr_ratio=adam_lr_ratio,
            momentum=momentum,
            ns_steps=ns_steps,
            nesterov=nesterov,
            exclude_embeddings=exclude_embeddings,
            adam_weight_decay=adam_weight_decay,
            rms_rate=rms_rate,
        )


class LossScaleOptimizer(Optimizer):
    """An optimizer whose loss is scaled, for gradients in float16.

    Parameters
    ----------
    inner_optimizer
        The optimizer.
    initial_scale
        Of the loss.
    dynamic_growth_steps
        After how many steps the scale grows.
    name
        Defaults to the class name in snake case.

    Raises
    ------
    ValueError
        If another argument is given: it belongs to `inner_optimizer`.

    Examples
    --------
    >>> outer = cnnfast.optimizers.LossScaleOptimizer(cnnfast.optimizers.Adam(0.5))
    >>> outer.inner_optimizer.get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                "LossScaleOptimizer no longer supports `dynamic=False`. Instead, simply set "
                "`loss_scale_factor` directly on the `inner_optimizer`."
            )
        # Files have the arguments of all optimizers.
        kwargs = {key: value for key, value in kwargs.items() if value not in (None, False, 0.99)}
        if kwargs:
            raise ValueError(
                f"LossScaleOptimizer does not support arguments: `{'`, `'.join(kwargs)}`."
            )
        if not isinstance(inner_optimizer, Optimizer):
            raise ValueError(
                f"`inner_optimizer` must be an optimizer. Received: {inner_optimizer!r}"
            )
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps

    @property
    def learning_rate(self) -> Any:
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        self.inner_optimizer.learning_rate = value

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inner_optimizer": serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Self:
        arguments = dict(config)
        inner = deserialize(arguments.pop("inner_optimizer"), custom_objects)
        return cls(inner, **arguments)
