"""What models need of `cnnfast.saving`, which stands above them and fills it."""

from __future__ import annotations

from cnnfast.utils.rooms import Slot

storage = Slot("saving")
"""`load_model`, `load_weights`, `save_model`, `save_weights` and what copies models."""
