"""What a file says of how its model was compiled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnfast.models.model import Model

_ARGUMENTS = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")


def compile_from(model: Model, config: Any, name: str) -> None:
    """Compile `model` as it was when it was saved; warn and leave it where that fails.

    Parameters
    ----------
    model
        The loaded model.
    config
        ``compile_config`` of a `.keras` file, ``training_config`` of an `.h5` file, or None.
    name
        The file, for the warning.
    """
    if not config:
        return
    try:
        model.compile(**_arguments(config))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        warnings.warn(
            f"{name}: the model was not compiled, because its training configuration was not "
            f"understood. Compile it with `model.compile(…)` to evaluate it. {error}",
            stacklevel=2,
        )


def _arguments(config: Any) -> dict[str, Any]:
    if not isinstance(config, Mapping):
        raise TypeError(f"It must be an object. Received: {type(config).__name__}.")
    arguments = {name: config[name] for name in _ARGUMENTS if config.get(name) is not None}
    if "optimizer_config" in config:
        arguments["optimizer"] = config["optimizer_config"]
    for name in ("metrics", "weighted_metrics"):
        if name in arguments:
            arguments[name] = _metrics(arguments[name])
    return arguments


def _metrics(config: Any) -> Any:
    """Take the list of Keras 2 away that stands around the metrics of a single output."""
    if isinstance(config, list) and len(config) == 1 and isinstance(config[0], list):
        return config[0]
    return config
