"""Entry of ``python -m cnnfast``."""

from __future__ import annotations

import sys

from cnnfast.cli import main

if __name__ == "__main__":
    sys.exit(main())
