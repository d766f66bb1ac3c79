"""Learning rates that change with the steps, under Keras' names.

They are kept with their optimizer, and may be asked what the rate is at a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.utils import handed_over
from cnnfast.utils.identifiers import build, handed_over_for, parse_serialized, serialize_object
from cnnfast.utils.registry import Registry

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

_KEPT_AS = "a learning rate schedule"


class LearningRateSchedule:
    """Base class of schedules: a subclass gives ``__call__(step)`` and `get_config`.

    Examples
    --------
    >>> class Halved(cnnfast.optimizers.schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.5**step
    >>> cnnfast.optimizers.SGD(Halved()).learning_rate
    1.0
    """

    _own: tuple[str, ...] = ()

    def _keep(self, **arguments: Any) -> None:
        """Hold the arguments, for `get_config`."""
        self._own = tuple(arguments)
        for name, value in arguments.items():
            setattr(self, name, value)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at a step."""
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `__call__(self, step)`."
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this schedule again."""
        if not self._own:
            raise NotImplementedError(
                f"Learning rate schedule '{type(self).__name__}' must override `get_config()` in "
                "order to be serializable."
            )
        return {name: getattr(self, name) for name in self._own}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a schedule of what `get_config` returned."""
        return cls(**config)


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate, decay_steps, decay_rate
        See the formula.
    staircase
        Whether the exponent is rounded down.
    name
        Kept.

    Examples
    --------
    >>> float(cnnfast.optimizers.schedules.ExponentialDecay(1.0, 10, 0.25)(5))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        _positive("decay_steps", decay_steps)
        self._keep(
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            decay_rate=decay_rate,
            staircase=staircase,
            name=name,
        )
        self._rate, self._steps, self._decay = initial_learning_rate, decay_steps, decay_rate
        self._staircase = staircase

    def __call__(self, step: Any) -> Any:
        part = _part(step, self._steps, self._staircase)
        return _rounded(self._rate * np.power(np.float64(self._decay), part))


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate, decay_steps, decay_rate
        See the formula.
    staircase
        Whether ``step / decay_steps`` is rounded down.
    name
        Kept.

    Examples
    --------
    >>> float(cnnfast.optimizers.schedules.InverseTimeDecay(1.0, 10, 1.0)(10))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        _positive("decay_steps", decay_steps)
        self._keep(
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            decay_rate=decay_rate,
            staircase=staircase,
            name=name,
        )
        self._rate, self._steps, self._decay = initial_learning_rate, decay_steps, decay_rate
        self._staircase = staircase

    def __call__(self, step: Any) -> Any:
        part = _part(step, self._steps, self._staircase)
        return _rounded(self._rate / (1.0 + self._decay * part))


class PolynomialDecay(LearningRateSchedule):
    """From one learning rate to another, by a power of the part that is left.

    Parameters
    ----------
    initial_learning_rate, end_learning_rate
        Where it begins and ends.
    decay_steps
        In how many steps.
    power
        1 for a straight line.
    cycle
        Whether it begins again, in a period twice, three times, ... as long.
    name
        Kept.

    Examples
    --------
    >>> float(cnnfast.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)(5))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        _positive("decay_steps", decay_steps)
        self._keep(
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            end_learning_rate=end_learning_rate,
            power=power,
            cycle=cycle,
            name=name,
        )
        self._first, self._last = initial_learning_rate, end_learning_rate
        self._steps, self._power, self._cycle = decay_steps, power, cycle

    def __call__(self, step: Any) -> Any:
        at = np.asarray(step, np.float64)
        steps: Any = np.float64(self._steps)
        if self._cycle:
            steps = steps * np.where(at == 0, 1.0, np.ceil(at / steps))
        else:
            at = np.minimum(at, steps)
        left = np.power(1.0 - at / steps, self._power)
        return _rounded((self._first - self._last) * left + self._last)


class PiecewiseConstantDecay(LearningRateSchedule):
    """One value up to each boundary, the boundary included.

    Parameters
    ----------
    boundaries
        Steps, growing.
    values
        One more than there are boundaries.
    name
        Kept.

    Examples
    --------
    >>> float(cnnfast.optimizers.schedules.PiecewiseConstantDecay([10], [1.0, 0.5])(11))
    0.5
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of values. Received: "
                f"boundaries={boundaries} of length {len(boundaries)}, and values={values} of "
                f"length {len(values)}."
            )
        self._keep(boundaries=boundaries, values=values, name=name)
        self._boundaries, self._values = np.asarray(boundaries), np.asarray(values, np.float64)

    def __call__(self, step: Any) -> Any:
        return _rounded(self._values[np.searchsorted(self._boundaries, np.asarray(step))])


class CosineDecay(LearningRateSchedule):
    """Half a wave of the cosine, after a straight rise where one is asked for.

    Parameters
    ----------
    initial_learning_rate
        Where it begins.
    decay_steps
        How many steps the wave takes.
    alpha
        What part of the rate remains.
    name
        Kept.
    warmup_target, warmup_steps
        To what, and in how many steps, it rises first; None for not.

    Examples
    --------
    >>> float(cnnfast.optimizers.schedules.CosineDecay(1.0, 10)(5))
    0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        _positive("decay_steps", decay_steps)
        self._keep(
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            alpha=alpha,
            name=name,
            warmup_target=warmup_target,
            warmup_steps=warmup_steps,
        )
        self._rate, self._steps, self._alpha = initial_learning_rate, decay_steps, alpha
        self._target, self._warmup = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Any:
        at = np.asarray(step, np.float64)
        if self._target is None:
            return _rounded(self._decayed(self._rate, at))
        rise = self._rate + (self._target - self._rate) * at / max(self._warmup, 1)
        fall = self._decayed(self._target, at - self._warmup)
        return _rounded(np.where(at < self._warmup, rise, fall))

    def _decayed(self, rate: float, at: Any) -> Any:
        wave = _half_wave(np.minimum(at, self._steps) / self._steps)
        return rate * ((1.0 - self._alpha) * wave + self._alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Half waves of the cosine, each longer and lower than the last.

    Parameters
    ----------
    initial_learning_rate
        Where the first begins.
    first_decay_steps
        How many steps it takes.
    t_mul, m_mul
        How many times as long, and as high, the next one is.
    alpha
        What part of the rate remains.
    name
        Kept.

    Examples
    --------
    >>> float(cnnfast.optimizers.schedules.CosineDecayRestarts(1.0, 10)(10))
    1.0
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        _positive("first_decay_steps", first_decay_steps)
        self._keep(
            initial_learning_rate=initial_learning_rate,
            first_decay_steps=first_decay_steps,
            t_mul=t_mul,
            m_mul=m_mul,
            alpha=alpha,
            name=name,
        )
        self._rate, self._steps, self._alpha = initial_learning_rate, first_decay_steps, alpha
        self._longer, self._higher = float(t_mul), float(m_mul)

    def __call__(self, step: Any) -> Any:
        part = _part(step, self._steps, False)
        if self._longer == 1.0:
            number = np.floor(part)
            part = part - number
        else:
            number = np.floor(np.log(1.0 - part * (1.0 - self._longer)) / np.log(self._longer))
            begun = (1.0 - self._longer**number) / (1.0 - self._longer)
            part = (part - begun) / self._longer**number
        wave = self._higher**number * _half_wave(part)
        return _rounded(self._rate * ((1.0 - self._alpha) * wave + self._alpha))


def _positive(name: str, steps: float) -> None:
    if steps <= 0:
        raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={steps}")


def _part(step: Any, steps: float, whole: bool) -> Any:
    part = np.asarray(step, np.float64) / steps
    return np.floor(part) if whole else part


def _half_wave(part: Any) -> Any:
    return 0.5 * (1.0 + np.cos(np.pi * part))


def _rounded(rate: Any) -> Any:
    """Return what was computed in float64 as Keras has it."""
    return np.float32(rate)


KNOWN: Registry[type[LearningRateSchedule]] = Registry("learning rate schedule", _KEPT_AS)
KNOWN.register(
    (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
)
KNOWN.seal()


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """Describe a schedule so that `deserialize` and Keras make it again."""
    return serialize_object("keras.optimizers.schedules", learning_rate_schedule)


def deserialize(config: Mapping[str, Any], custom_objects: Any = None) -> Any:
    """Make a schedule of what Keras or `serialize` wrote.

    Raises
    ------
    ValueError
        If the class or an argument is unknown.
    """
    with handed_over.scope(custom_objects):
        given = handed_over_for(config, _KEPT_AS)
        if given is not None:
            return given
        name, arguments = parse_serialized(config, "learning rate schedule")
        return build(KNOWN.lookup(name).from_config, arguments or {}, name)
