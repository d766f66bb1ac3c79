"""What the machine is measured to do."""

from __future__ import annotations

import pytest

from cnnfast import _core
from cnnfast.utils.system.machine import Machine, measure


@pytest.mark.long
def test_a_machine_is_measured_once_and_has_sensible_rates():
    machine = measure(1)
    assert measure(1) is machine
    assert (machine.isa, machine.threads) == (_core.isa(), 1)
    assert machine.gflops > 0
    sizes = [size for size, _ in machine.reading]
    assert sizes == sorted(set(sizes))
    assert all(rate > 0 for _, rate in machine.reading)


def test_a_working_set_is_read_at_the_rate_of_the_next_larger_array():
    machine = Machine("any", 1, 1.0, ((10, 30.0), (100, 20.0), (1000, 5.0)))
    assert [machine.gbs(n) for n in (0, 10, 11, 100, 1000, 10**9)] == [30, 30, 20, 20, 5, 5]


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_threads_are_a_positive_number(threads):
    with pytest.raises(ValueError, match="threads must be a positive integer"):
        measure(threads)


def test_the_core_refuses_no_threads():
    with pytest.raises(ValueError, match="threads must be positive"):
        _core.fma_peak(0.001, 0)
    with pytest.raises(ValueError, match="threads must be positive"):
        _core.read_peak(1024, 0.001, 0)


def test_all_threads_of_a_measurement_finish_together():
    assert _core.fma_peak(0.01, 2) > 0
    assert _core.read_peak(1 << 16, 0.01, 2) > 0
