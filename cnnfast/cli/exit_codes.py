"""What the commands tell a script by their exit code."""

from __future__ import annotations

GOOD = 0
"""All is well."""

WRONG = 1
"""The model loads, but does not run or does not give Keras' numbers."""

USAGE = 2
"""Wrong arguments, as argparse has it, or a wrong environment variable."""

UNSUPPORTED = 3
"""The file is in order, but the model has something that is not supported."""

UNREADABLE = 4
"""There is no such file, or it is damaged, foreign or refused."""

INTERRUPTED = 130
"""Ctrl-C, as shells have it."""

UNREAD = 141
"""Nobody reads the output any more, as shells have it."""
