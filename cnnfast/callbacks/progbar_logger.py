"""The callback that shows a progress bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnfast.callbacks.callback import Callback
from cnnfast.utils.display.progbar import Progbar


class ProgbarLogger(Callback):
    """Shows a progress bar; added by itself unless ``verbose=0``."""

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Make the bar for a run of ``params["steps"]`` batches."""
        super().set_params(params)
        self._seen = 0
        self._bar = Progbar(params.get("steps"), verbose=params.get("verbose", 1))

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Show one more batch and the metrics so far."""
        self._update(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Show one more batch."""
        self._update(batch)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Show the last state and end the line."""
        self._finish(logs)

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Show the last state and end the line."""
        self._finish()

    def _update(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._seen = batch + 1
        if self._bar.verbose == 1:
            self._bar.update(self._seen, logs, finalize=False)

    def _finish(self, logs: Mapping[str, Any] | None = None) -> None:
        if self._bar.target is None:
            self._bar.target = self._seen
        self._bar.update(self._bar.target, logs, finalize=True)
