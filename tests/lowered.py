"""Judges `executor.Lowered`: what it says for other sizes must be what lowering for them says."""

from __future__ import annotations

import numpy as np

from cnnfast._core import Kernel
from cnnfast.engine import executor
from cnnfast.engine.template import Template


def judge_every_plan(monkeypatch) -> None:
    """Let each plan that is made of a network lowered before be compared with a new lowering."""
    plan, lower = executor.Lowered.plan, executor.lowered_for_all

    def remembering(network, shapes, kernels):
        lowered = lower(network, shapes, kernels)
        if lowered is not None:
            lowered.judged = (network, kernels)
        return lowered

    def judging(self, shapes, *options):
        made = plan(self, shapes, *options)
        if made is not None:
            opened = [
                now
                for known, shape in zip(self._pattern, shapes, strict=True)
                for size, now in zip(known, shape, strict=True)
                if size is None
            ]
            network, kernels = self.judged
            anew = Template(executor.lower(network, shapes), kernels)
            check_same(said(self._template, self._sizes.solve(opened)), said(anew, []))
        return made

    monkeypatch.setattr(executor, "lowered_for_all", remembering)
    monkeypatch.setattr(executor.Lowered, "plan", judging)


def said(template, values):
    """What a template tells the core, and which of its values are the outputs."""
    calls = list(template.calls(range(1 << 20), values))
    return [*calls, ("outputs", None, tuple(template._outputs))]


def check_same(got, want):
    assert type(got) is type(want)
    if isinstance(want, tuple | list):
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            check_same(one, other)
    elif isinstance(want, np.ndarray):
        np.testing.assert_array_equal(got, want)
    elif isinstance(want, Kernel):
        assert got.shape == want.shape
    else:
        assert got == want
