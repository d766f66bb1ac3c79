"""What all optimizers share: they hold their arguments, and train nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypedDict

import numpy as np

from cnnfast.optimizers import schedules
from cnnfast.optimizers.schedules import LearningRateSchedule
from cnnfast.utils.naming import auto_name
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Self

LearningRate: TypeAlias = "float | LearningRateSchedule | Callable[[], float]"


class DecayingOptions(TypedDict, total=False):
    """The arguments of optimizers that have a `weight_decay` of their own; see `Optimizer`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class OptimizerOptions(DecayingOptions, total=False):
    """The arguments that all optimizers have; see `Optimizer`."""

    weight_decay: float | None


class Optimizer:
    """Base class of optimizers: arguments that are checked, kept, shown and saved.

    Nothing is trained here. A script may make an optimizer, `compile` a model with it, save that
    and read `get_config`, as in Keras; what applies gradients raises.

    Parameters
    ----------
    learning_rate
        A number, a schedule, or a function without arguments that returns a number.
    weight_decay
        What weights shrink by in each step; None for not at all.
    clipnorm, clipvalue, global_clipnorm
        Bounds of gradients; at most one of them.
    use_ema, ema_momentum, ema_overwrite_frequency
        Whether and how a moving average of the weights is kept.
    loss_scale_factor
        What the loss is multiplied by.
    gradient_accumulation_steps
        How many steps make one update, at least 2.
    name
        Defaults to the class name in snake case.

    Raises
    ------
    ValueError
        If an argument is unknown or illegal.

    Examples
    --------
    >>> optimizer = cnnfast.optimizers.SGD(0.5, momentum=0.25)
    >>> optimizer.get_config()["momentum"]
    0.25
    """

    _own: tuple[str, ...] = ()
    """The arguments that only this class has, which are attributes of the same names."""

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("decay", None) is not None:
            warnings.warn(
                "Argument `decay` is no longer supported and will be ignored.", stacklevel=3
            )
        if kwargs:
            raise ValueError(f"Argument(s) not recognized: {kwargs}")
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.built = False
        self.iterations = Variable(0, name="iteration", trainable=False)
        self._check()
        self._learning_rate = _rate(learning_rate)

    def _keep(self, **arguments: Any) -> None:
        """Hold the arguments that this class alone has, for `get_config`."""
        self._own = tuple(arguments)
        for name, value in arguments.items():
            setattr(self, name, value)

    def _check(self) -> None:
        steps = self.gradient_accumulation_steps
        if steps and not steps >= 2:
            raise ValueError(
                "`gradient_accumulation_steps` must be an integer >= 2. Received: "
                f"gradient_accumulation_steps={steps}"
            )
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise ValueError(
                "`ema_momentum` must be in the range [0, 1]. Received: "
                f"ema_momentum={self.ema_momentum}"
            )
        every = self.ema_overwrite_frequency
        if self.use_ema and every and not (isinstance(every, int) and every >= 1):
            raise ValueError(
                "`ema_overwrite_frequency` must be an integer >= 1 or None. Received: "
                f"ema_overwrite_frequency={every}"
            )
        bounds = {name: getattr(self, name) for name in _BOUNDS}
        if sum(bound is not None for bound in bounds.values()) > 1:
            received = ", ".join(f"{name}={bound}" for name, bound in bounds.items())
            raise ValueError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                f"{received}"
            )

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a `Variable`, or what the schedule or function says now."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(int(self.iterations.numpy()))
        return rate if isinstance(rate, Variable) else rate()

    @learning_rate.setter
    def learning_rate(self, value: LearningRate) -> None:
        if isinstance(self._learning_rate, LearningRateSchedule) and not callable(value):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its "
                "`learning_rate` constructor argument, hence its learning rate is not settable. If "
                "you need the learning rate to be settable, you should instantiate the optimizer "
                f"with a float `learning_rate` argument. Received: {value!r}"
            )
        if isinstance(self._learning_rate, Variable) and not callable(value):
            self._learning_rate.assign(value)
        else:
            self._learning_rate = _rate(value)

    lr = learning_rate

    @property
    def variables(self) -> list[Variable]:
        """The count of steps and, where it is a number, the learning rate."""
        rate = self._learning_rate
        return [self.iterations, *([rate] if isinstance(rate, Variable) else [])]

    def apply_gradients(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise `NotImplementedError`: models are trained in Keras and loaded here."""
        from cnnfast.utils import training

        training.refuse()

    minimize = apply = update_step = stateless_apply = apply_gradients

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this optimizer again."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            shown: Any = schedules.serialize(rate)
        elif isinstance(rate, Variable):
            shown = float(rate.numpy())
        else:
            shown = getattr(rate, "__name__", type(rate).__name__)
        config = {"name": self.name, "learning_rate": shown, "weight_decay": self.weight_decay}
        config |= {name: getattr(self, name) for name in _KEPT}
        return config | {name: getattr(self, name) for name in self._own}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Self:
        """Make an optimizer of what `get_config` returned.

        Raises
        ------
        ValueError
            If an argument is unknown or illegal.
        """
        arguments = dict(config)
        rate = arguments.get("learning_rate")
        if isinstance(rate, Mapping):
            arguments["learning_rate"] = schedules.deserialize(rate, custom_objects)
        return cls(**arguments)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


_BOUNDS = ("clipnorm", "clipvalue", "global_clipnorm")
_KEPT = (
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
)


def _rate(value: Any) -> Variable | LearningRateSchedule | Callable[[], float]:
    if isinstance(value, LearningRateSchedule) or callable(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, bool) or not isinstance(value, int | float | np.number | Variable):
        raise ValueError(
            "Argument `learning_rate` should be float, or an instance of LearningRateSchedule, or "
            "a callable (that takes in the current iteration value and returns the corresponding "
            f"learning rate value). Received instead: learning_rate={value}"
        )
    if isinstance(value, Variable):
        return value
    return Variable(value, name="learning_rate", trainable=False)
