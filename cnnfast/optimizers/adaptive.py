"""Optimizers with a mean of the gradient and of its square."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnfast.optimizers.optimizer import (
    DecayingOptions,
    LearningRate,
    Optimizer,
    OptimizerOptions,
)

if TYPE_CHECKING:
    from typing import Unpack


class Adam(Optimizer):
    """Steps along the mean gradient over the root of its mean square.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_1
        How much of the mean is kept.
    beta_2
        How much of the mean square is kept.
    epsilon
        Keeps from dividing by zero.
    amsgrad
        Whether the largest mean square so far counts.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Adam(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self._keep(
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
        )


class AdamW(Adam):
    """Adam with weights that shrink in each step.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    weight_decay
        What weights shrink by in each step.
    beta_1
        How much of the mean is kept.
    beta_2
        How much of the mean square is kept.
    epsilon
        Keeps from dividing by zero.
    amsgrad
        Whether the largest mean square so far counts.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.AdamW(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float | None = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Unpack[DecayingOptions],
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs
        )
        if weight_decay is None:
            raise ValueError("Argument `weight_decay` must be a float. Received: weight_decay=None")


class Adamax(Optimizer):
    """Adam with the largest gradient in place of the mean square.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_1
        How much of the mean is kept.
    beta_2
        How much of the mean square is kept.
    epsilon
        Keeps from dividing by zero.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Adamax(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self._keep(
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
        )


class Nadam(Optimizer):
    """Adam with Nesterov's momentum.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_1
        How much of the mean is kept.
    beta_2
        How much of the mean square is kept.
    epsilon
        Keeps from dividing by zero.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Nadam(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self._keep(
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
        )


class Lamb(Optimizer):
    """Adam with steps as large as the weights of a layer.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_1
        How much of the mean is kept.
    beta_2
        How much of the mean square is kept.
    epsilon
        Keeps from dividing by zero.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Lamb(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self._keep(
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
        )


class ScheduleFreeAdamW(Optimizer):
    """AdamW on an average of the weights, without a schedule.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_1
        How much of the mean is kept.
    beta_2
        How much of the mean square is kept.
    epsilon
        Keeps from dividing by zero.
    warmup_steps
        In how many steps the rate rises.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.ScheduleFreeAdamW(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self._keep(
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            warmup_steps=warmup_steps,
        )
