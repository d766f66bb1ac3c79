"""Settings of the process or of a block of code: how plans are made, memory and threads."""

from cnnfast.engine.options import Config, get, override, set

__all__ = ["Config", "get", "override", "set"]
