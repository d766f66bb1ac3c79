"""Optimizers with one rate for all weights, or one that follows their gradients' size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnfast.optimizers.optimizer import LearningRate, Optimizer, OptimizerOptions

if TYPE_CHECKING:
    from typing import Unpack


class SGD(Optimizer):
    """Steps along the gradient.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    momentum
        How much of the last step is made again.
    nesterov
        Whether the gradient is taken after that.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.SGD(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if not isinstance(momentum, int | float) or not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must be a float between [0, 1]. Received: {momentum}")
        self._keep(
            momentum=momentum,
            nesterov=nesterov,
        )


class RMSprop(Optimizer):
    """Steps along the gradient over the root of its mean square.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    rho
        How much of the mean square is kept.
    momentum
        How much of the last step is made again.
    epsilon
        Keeps from dividing by zero.
    centered
        Whether the mean is taken out.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.RMSprop(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self._keep(
            rho=rho,
            momentum=momentum,
            epsilon=epsilon,
            centered=centered,
        )


class Adagrad(Optimizer):
    """Steps along the gradient over the root of the sum of its squares.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    initial_accumulator_value
        Where the sums of squares begin.
    epsilon
        Keeps from dividing by zero.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Adagrad(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self._keep(
            initial_accumulator_value=initial_accumulator_value,
            epsilon=epsilon,
        )


class Adadelta(Optimizer):
    """Steps as large as the last ones, over the root of the mean square.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    rho
        How much of the mean squares is kept.
    epsilon
        Keeps from dividing by zero.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Adadelta(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self._keep(
            rho=rho,
            epsilon=epsilon,
        )


class Ftrl(Optimizer):
    """Follows the regularized leader.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    learning_rate_power
        How the rate falls; at most 0.
    initial_accumulator_value
        Where the sums of squares begin; at least 0.
    l1_regularization_strength
        At least 0.
    l2_regularization_strength
        At least 0.
    l2_shrinkage_regularization_strength
        At least 0.
    beta
        Added to the root of the sums.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Ftrl(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        positive = {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        for argument, value in positive.items():
            if value < 0:
                raise ValueError(
                    f"`{argument}` needs to be positive or zero. Received: {argument}={value}."
                )
        if learning_rate_power > 0:
            raise ValueError(
                "`learning_rate_power` needs to be negative or zero. Received: "
                f"learning_rate_power={learning_rate_power}."
            )
        self._keep(
            learning_rate_power=learning_rate_power,
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
            beta=beta,
        )


class Lion(Optimizer):
    """Steps along the sign of the mean gradient.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_1
        How much of the mean is in a step; above 0, at most 1.
    beta_2
        How much of the mean is kept.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Lion(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ValueError(
                "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer "
                f"degenerates to SignSGD. Received: beta_1={beta_1}."
            )
        self._keep(
            beta_1=beta_1,
            beta_2=beta_2,
        )


class Adafactor(Optimizer):
    """Steps along the gradient over means of rows and columns.

    Parameters
    ----------
    learning_rate
        See `Optimizer`.
    beta_2_decay
        How the mean square forgets.
    epsilon_1
        Keeps from dividing by zero.
    epsilon_2
        The least size of weights.
    clip_threshold
        Bound of a step.
    relative_step
        Whether the rate falls with the steps.
    **kwargs
        As of `Optimizer`.

    Examples
    --------
    >>> cnnfast.optimizers.Adafactor(0.5).get_config()["learning_rate"]
    0.5
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self._keep(
            beta_2_decay=beta_2_decay,
            epsilon_1=epsilon_1,
            epsilon_2=epsilon_2,
            clip_threshold=clip_threshold,
            relative_step=relative_step,
        )
