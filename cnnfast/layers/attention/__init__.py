"""Attention."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.attention.attention import (
        AdditiveAttention as AdditiveAttention,
        Attention as Attention,
    )
    from cnnfast.layers.attention.group_query_attention import (
        GroupQueryAttention as GroupQueryAttention,
    )
    from cnnfast.layers.attention.multi_head_attention import (
        MultiHeadAttention as MultiHeadAttention,
    )
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "attention": ["AdditiveAttention", "Attention"],
            "group_query_attention": ["GroupQueryAttention"],
            "multi_head_attention": ["MultiHeadAttention"],
        },
    )
