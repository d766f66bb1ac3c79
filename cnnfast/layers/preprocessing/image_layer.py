"""What Keras' layers of image preprocessing share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.layers.preprocessing.samples import TakesOne
from cnnfast.symbolic import arguments

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import DataFormat, LayerOptions


class ImageLayer(TakesOne):
    """A layer of images whose calls are stored with ``training=True``, its default in Keras.

    What counts is what a model is called with, which at inference is False.

    Parameters
    ----------
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    bounding_box_format
        Of training; kept for the config.
    """

    call_arguments = ("data",)
    training_default = True

    def __init__(
        self,
        data_format: DataFormat | None = None,
        bounding_box_format: str | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.bounding_box_format = bounding_box_format

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = args[0] if args else kwargs.get("data")
        if isinstance(given, Mapping):
            raise self.unsupported(
                "takes images alone: boxes, labels and masks beside them are of training. "
                f"Received: a dict of {list(given)}",
                advice="Call it on the images: `layer(data['images'])`.",
            )
        return super().__call__(*args, **kwargs)

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        others = {key: v for key, v in kwargs.items() if key != "training"}
        return super()._input_of_call(args, others)

    def _config(self) -> dict[str, Any]:
        boxes = self.bounding_box_format
        return {
            "data_format": self.data_format,
            **({} if boxes is None else {"bounding_box_format": boxes}),
        }
