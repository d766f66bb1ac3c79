"""Functions that scripts import at their top and that cannot do here what they do in Keras."""

from __future__ import annotations

from typing import Any, NoReturn


def audio_dataset_from_directory(*args: Any, **kwargs: Any) -> NoReturn:
    """Raise `NotImplementedError`: audio is decoded with another library."""
    raise NotImplementedError(
        "Audio is not decoded here. Read the files with a library such as soundfile, and predict "
        "the arrays."
    )


def text_dataset_from_directory(*args: Any, **kwargs: Any) -> NoReturn:
    """Raise `NotImplementedError`: networks of images take no text."""
    raise NotImplementedError(
        "Text is not read here: this package runs CNNs on numbers. Make numbers of it before."
    )


def split_dataset(*args: Any, **kwargs: Any) -> NoReturn:
    """Raise `NotImplementedError`: data is split to train, which is done in Keras."""
    raise NotImplementedError(
        "Data sets are split to train with a part of them, which is done in Keras. Slice the "
        "arrays to predict a part of them."
    )
