"""A few graphs of the differential fuzzer, and what it does about workers that die."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from fuzz import differential
from fuzz.differential import BACKENDS, GOOD, examine, second_opinion

pytestmark = pytest.mark.long

pytest.importorskip("keras")

GRAPHS = 60


def test_random_graphs_give_keras_numbers(tmp_path: Path) -> None:
    found = examine(range(GRAPHS), seed=0, out=tmp_path)
    results = [second_opinion(result, 0, tmp_path, BACKENDS[0]) for result in found]
    assert sorted(result["index"] for result in results) == list(range(GRAPHS))
    assert [result for result in results if result["verdict"] not in GOOD] == []
    counts = Counter(result["verdict"] for result in results)
    assert counts["same"] >= 0.8 * GRAPHS, counts
    assert sum(result["changes"] for result in results) > GRAPHS
    assert len({name for result in results for name in result["classes"]}) > 40


def test_a_worker_that_dies_is_a_finding_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dies_at_two = "import sys; sys.stdin.read(); print('{\"index\": 0}', flush=True); sys.exit(3)"
    monkeypatch.setattr(differential, "command", lambda *_: [sys.executable, "-c", dies_at_two])
    results = list(examine(range(3), seed=0))
    assert [r.get("verdict") for r in results] == [None, "crash", None]
    assert "code 3" in results[1]["detail"]
