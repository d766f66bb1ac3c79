"""What draws models as pictures, in Keras."""

from __future__ import annotations

from typing import Any, NoReturn


def plot_model(model: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise `NotImplementedError`: `Model.summary` prints the graph."""
    raise NotImplementedError(
        "Models are not drawn as pictures here, which takes Graphviz: `model.summary()` prints the "
        "layers and their connections, and Keras draws the file of `model.save(…)`."
    )


model_to_dot = plot_model
