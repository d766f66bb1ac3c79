"""What is said where a script asks for training."""

from __future__ import annotations

from typing import NoReturn

NO_TRAINING = (
    "cnnfast predicts and does not train: train the model in Keras, save it there with "
    '`model.save("model.keras")`, and load it here with '
    '`cnnfast.models.load_model("model.keras")`.'
)


def refuse() -> NoReturn:
    """Raise `NotImplementedError`: models are trained in Keras and loaded here."""
    raise NotImplementedError(NO_TRAINING)
