"""From a graph of float32 to one that computes in 8 bits where that is worth it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Op, Value
from cnnfast.engine.quantized.equalization import Equalized, equalizable, spread
from cnnfast.engine.quantized.names import names_of
from cnnfast.engine.quantized.ops import Dequantize, Quantize
from cnnfast.engine.quantized.rules import Rule, rule_of
from cnnfast.engine.quantized.scheme import Range, Scheme, joined, scheme_of
from cnnfast.errors import UnsupportedError


def rewrite(
    graph: Graph,
    ranges: Mapping[str, Range],
    keeps: Callable[[Op], bool],
    equalized: Mapping[str, Equalized] | None = None,
) -> Graph:
    """Return a graph of the same inputs and outputs, in 8 bits between them.

    Parameters
    ----------
    graph
        As `passes.prepare` leaves it.
    ranges
        Of each value that `measured_values` names.
    keeps
        Whether an operation stays float32.
    equalized
        By the name of a value that `equalizable` has, the factors of its channels.

    Raises
    ------
    UnsupportedError
        If there are not as many factors as channels.
    """
    rules = chosen(graph, keeps)
    if not rules:
        return graph
    names = names_of(graph)
    schemes = _schemes(rules, {value: ranges[names[value]] for value in _touched(rules)})
    if equalized:
        _equalize(schemes, equalizable(graph, rules), names, equalized)
    made = _Rewriting(graph, rules, schemes)
    for op in graph.ops:
        made.add(op)
    return Graph(graph.inputs, made.ops, [made.floats_of(value) for value in graph.outputs])


def measured_values(graph: Graph) -> list[Value]:
    """Return the values whose ranges a rewriting may ask for, in the order they are made."""
    touched = _touched(chosen(graph, lambda op: False))
    return [value for value in (*graph.inputs, *(op.out for op in graph.ops)) if value in touched]


def chosen(graph: Graph, keeps: Callable[[Op], bool]) -> dict[Op, Rule]:
    """Return the operations to do in 8 bits.

    Those that compute; behind them what can follow; but nothing that only leads to float32 again.
    """
    rules: dict[Op, Rule] = {}
    made: set[Value] = set()
    for op in graph.ops:
        rule = None if keeps(op) else rule_of(op)
        if rule is not None and (rule.computes or made.issuperset(op.inputs)):
            rules[op] = rule
            made.add(op.out)
    read: set[Value] = set()
    for op in reversed(graph.ops):
        rule = rules.get(op)
        if rule is None:
            continue
        if op.out in read or rule.gives_floats:
            read.update(op.inputs)
        else:
            del rules[op]
    return rules


def _touched(rules: Mapping[Op, Rule]) -> set[Value]:
    return {value for op in rules for value in (*op.inputs, op.out)}


def _schemes(rules: Mapping[Op, Rule], ranges: Mapping[Value, Range]) -> dict[Value, Scheme]:
    """Return the scheme of each value; where bytes are only moved, one for all of them."""
    groups = {value: [value] for value in ranges}
    for op, rule in rules.items():
        if rule.ties:
            for value in op.inputs:
                _join(groups, op.out, value)
    schemes: dict[Value, Scheme] = {}
    for value, group in groups.items():
        if value not in schemes:
            scheme = scheme_of(joined(ranges[member] for member in group))
            schemes.update(dict.fromkeys(group, scheme))
    return schemes


def _equalize(
    schemes: dict[Value, Scheme],
    possible: Mapping[Value, list[Value]],
    names: Mapping[Value, str],
    equalized: Mapping[str, Equalized],
) -> None:
    """Give the values whose channels have factors, and those that they become, schemes with them.

    Where they may not any more, because of what stays float32, the others hold.
    """
    for value, moved in possible.items():
        own = equalized.get(names[value])
        if own is None:
            continue
        if len(own.factors) != value.shape[-1]:
            raise UnsupportedError(
                "A value has a factor for each channel. Received: "
                f"{len(own.factors)} for {names[value]} with {value.shape[-1]}"
            )
        factors = np.array(own.factors, np.float64)
        for one in moved:
            schemes[one] = scheme_of(own.numbers, spread(factors, one))


def _join(groups: dict[Value, list[Value]], a: Value, b: Value) -> None:
    if groups[a] is not groups[b]:
        whole = groups[a] + groups[b]
        groups.update(dict.fromkeys(whole, whole))


class _Rewriting:
    """The operations so far, and which value of theirs is which of the graph's."""

    def __init__(
        self, graph: Graph, rules: Mapping[Op, Rule], schemes: Mapping[Value, Scheme]
    ) -> None:
        self.ops: list[Op] = []
        self._rules, self._schemes = rules, schemes
        self._in_bytes: dict[Value, Value] = {}
        self._in_floats: dict[Value, Value] = {value: value for value in graph.inputs}
        self._makers = {op.out: op for op in graph.ops}
        self._read_in_bytes = _read_by(rules)

    def add(self, op: Op) -> None:
        rule = self._rules.get(op)
        if rule is not None:
            self.ops.append(rule.rewrite(self, op))
            return
        for value in op.inputs:
            self.floats_of(value)
        self.ops.append(op)
        self._in_floats.update((value, value) for value in getattr(op, "outs", (op.out,)))

    def scheme(self, value: Value) -> Scheme:
        return self._schemes[value]

    def bytes_of(self, value: Value) -> Value:
        if value not in self._in_bytes:
            scheme, made = self._schemes[value], Value(value.shape)
            floats = self.floats_of(value)
            self._add(value, Quantize(floats, made, scheme.factor, scheme.zero_point))
            self._in_bytes[value] = made
        return self._in_bytes[value]

    def floats_of(self, value: Value) -> Value:
        """Return `value` in float32, which keeps its place in the graph."""
        if value not in self._in_floats:
            self._add(value, Dequantize(self._in_bytes[value], value, self._schemes[value].scale))
            self._in_floats[value] = value
        return self._in_floats[value]

    def made(self, op: Op) -> tuple[Value, Scheme | None]:
        value = op.out
        if self._rules[op].gives_floats and value not in self._read_in_bytes:
            self._in_floats[value] = value
            return value, None
        self._in_bytes[value] = Value(value.shape)
        return self._in_bytes[value], self._schemes[value]

    def _add(self, value: Value, op: Op) -> None:
        """Append a conversion of `value`, as part of the layers that make it."""
        maker = self._makers.get(value)
        self.ops.append(op if maker is None else replace(op, layers=maker.layers))


def _read_by(ops: Iterable[Op]) -> set[Value]:
    return {value for op in ops for value in op.inputs}
