"""Dtype policies, under Keras' names: what layers and files say; the core computes in float32."""

from __future__ import annotations

from typing import Any

from cnnfast.symbolic.dtypes import DTypePolicy, policy

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]

FloatDTypePolicy = DTypePolicy


def get(identifier: Any) -> DTypePolicy:
    """Return the policy that a name, a dtype, a config or a policy stands for.

    Examples
    --------
    >>> cnnfast.dtype_policies.get("mixed_float16").compute_dtype
    'float16'
    """
    return policy(identifier)


deserialize = get


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """Return Keras' config object of a policy.

    Examples
    --------
    >>> cnnfast.dtype_policies.serialize(cnnfast.dtype_policies.get("float32"))["class_name"]
    'DTypePolicy'
    """
    return dtype_policy.get_config()


def dtype_policy() -> DTypePolicy:
    """Return the policy of layers that do not say theirs, which is always that of float32.

    Examples
    --------
    >>> cnnfast.config.dtype_policy().name
    'float32'
    """
    return policy(None)


def set_dtype_policy(policy: Any) -> None:
    """Accept ``"float32"``, in which everything is computed.

    Raises
    ------
    ValueError
        If it is another policy: numbers would not be those that it promises.
    """
    name = get(policy).name
    if name != "float32":
        raise ValueError(
            "Everything is computed in float32 here. Leave the call out: networks that were saved "
            f"with another policy are computed in float32. Received: {name!r}"
        )
