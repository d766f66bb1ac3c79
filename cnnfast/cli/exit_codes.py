"""What the commands that look at a file tell a script by their exit code.

Wrong arguments leave with 2, as argparse has it.
"""

from __future__ import annotations

GOOD = 0
"""All is well."""

WRONG = 1
"""The model loads, but does not run or does not give Keras' numbers."""

UNSUPPORTED = 3
"""The file is in order, but the model has something that is not supported."""

UNREADABLE = 4
"""There is no such file, or it is damaged, foreign or refused."""
