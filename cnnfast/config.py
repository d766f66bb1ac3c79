"""Settings of the process or of a block of code: how plans are made, what memory is kept."""

from cnnfast.engine.options import Config, get, override, set

__all__ = ["Config", "get", "override", "set"]
