"""Reviews of films, in words."""

from __future__ import annotations

from typing import Any, NoReturn


def load_data(*args: Any, **kwargs: Any) -> NoReturn:
    """Raise `NotImplementedError`: the file holds Python objects, which are not loaded."""
    raise NotImplementedError(
        "The file of this data set is a pickle of lists, which is not loaded here. Load it with "
        "Keras, and save `pad_sequences(x)` with `numpy.save`."
    )


get_word_index = load_data
