"""Methods by which a class of the user's would change what Keras' loops do."""

from __future__ import annotations

from cnnfast.errors import UnsupportedError

_PREDICT = ("predict_step", "make_predict_function")
_EVALUATE = ("test_step", "make_test_function", "compute_loss", "compute_metrics")
_PACKAGE = __name__.partition(".")[0]


class OwnSteps:
    """Knows of its class whether the user wrote steps of `predict` and `evaluate` for it."""

    _own_steps: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        names = (*_PREDICT, *_EVALUATE)
        cls._own_steps = tuple(name for name in names if _is_users(getattr(cls, name, None)))

    def _check_steps(self, *, evaluating: bool) -> None:
        """Refuse a step of the user's, which no loop here runs.

        Raises
        ------
        UnsupportedError
            If the class has one.
        """
        own = [name for name in self._own_steps if name in (_EVALUATE if evaluating else _PREDICT)]
        if own:
            loop = "evaluate" if evaluating else "predict"
            works = "`predict` and the metrics alone" if evaluating else "`model(x)` for each batch"
            raise UnsupportedError(
                f"`{loop}` runs no step that a class of the user's has, and would give other "
                f"numbers than Keras. Use {works}. Received: `{own[0]}` of class "
                f"{type(self).__name__}"
            )


def _is_users(method: object) -> bool:
    module = str(getattr(method, "__module__", None) or _PACKAGE)
    return module.partition(".")[0] != _PACKAGE
