"""Attention."""

from cnnfast.layers.attention.attention import AdditiveAttention, Attention
from cnnfast.layers.attention.multi_head_attention import MultiHeadAttention

__all__ = [
    "AdditiveAttention",
    "Attention",
    "MultiHeadAttention",
]
