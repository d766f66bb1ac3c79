"""Layers that make one tensor of several."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.merging.arithmetic import (
        Add as Add,
        Average as Average,
        Maximum as Maximum,
        Minimum as Minimum,
        Multiply as Multiply,
        Subtract as Subtract,
        add as add,
        average as average,
        maximum as maximum,
        minimum as minimum,
        multiply as multiply,
        subtract as subtract,
    )
    from cnnfast.layers.merging.joining import (
        Concatenate as Concatenate,
        Dot as Dot,
        concatenate as concatenate,
        dot as dot,
    )
    from cnnfast.layers.merging.residual import (
        CustomScaleLayer as CustomScaleLayer,
        LayerScale as LayerScale,
        StochasticDepth as StochasticDepth,
    )
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "arithmetic": [
                "Add",
                "Average",
                "Maximum",
                "Minimum",
                "Multiply",
                "Subtract",
                "add",
                "average",
                "maximum",
                "minimum",
                "multiply",
                "subtract",
            ],
            "joining": ["Concatenate", "Dot", "concatenate", "dot"],
            "residual": ["CustomScaleLayer", "LayerScale", "StochasticDepth"],
        },
    )
