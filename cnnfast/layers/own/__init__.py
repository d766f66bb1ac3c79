"""The user's own layers: their state is found by their attributes, their `call` is traced."""
