"""A few random networks in 8 bits."""

from __future__ import annotations

from collections import Counter

import pytest

pytestmark = pytest.mark.long

pytest.importorskip("keras")

GRAPHS = 40


def test_random_networks_in_8_bits_give_the_bits_of_the_rule() -> None:
    from fuzz import quantized

    results = list(quantized.examine_all(0, GRAPHS))
    counts = Counter(verdict for _, verdict, _ in results)
    bad = {"other bits", "refused", "in float32"}
    assert [result for result in results if result[1] in bad] == []
    assert counts["same"] >= 0.3 * GRAPHS, counts
