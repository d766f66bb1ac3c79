"""Helpers under Keras' names."""

from cnnfast.utils.naming import reset_names
from cnnfast.utils.numerical import set_random_seed, to_categorical

clear_session = reset_names

__all__ = ["clear_session", "set_random_seed", "to_categorical"]
