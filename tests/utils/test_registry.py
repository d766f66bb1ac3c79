"""Tables are filled by the room that has what they name, and closed then."""

from __future__ import annotations

import pytest

import cnnfast
from cnnfast.symbolic.registry import LAYERS, OPERATIONS
from cnnfast.utils import handed_over
from cnnfast.utils.registry import Registry
from cnnfast.utils.rooms import Slot


class Mine:
    pass


TABLES = {
    "layers": LAYERS,
    "operations": OPERATIONS,
    "losses": cnnfast.losses.KNOWN,
    "metrics": cnnfast.metrics.KNOWN,
    "optimizers": cnnfast.optimizers.KNOWN,
    "activations": cnnfast.activations.FUNCTIONS,
    "initializers": cnnfast.initializers._table,
    "regularizers": cnnfast.regularizers._table,
    "constraints": cnnfast.constraints._table,
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_is_sealed_once_its_room_is_imported(table: Registry) -> None:
    before = dict(table)  # which imports the room, where it was not
    with pytest.raises(RuntimeError, match="is sealed"):
        table.register([Mine])
    assert dict(table) == before
    assert before


def test_a_name_stands_in_a_table_once() -> None:
    table: Registry = Registry("thing")
    table.register([Mine], other=Mine)
    with pytest.raises(RuntimeError, match="each name once"):
        table.register(Mine=int)
    assert dict(table) == {"Mine": Mine, "other": Mine}


def test_what_the_user_hands_over_stands_in_front_of_the_table() -> None:
    table: Registry = Registry("thing", "a thing")
    table.register(mine=int)
    with handed_over.scope({"mine": str}):
        assert table.lookup("mine") is str
    assert table.lookup("mine") is int


def test_what_is_not_in_a_table_is_refused_with_what_is() -> None:
    table: Registry = Registry("thing")
    table.register(mine=int)
    with pytest.raises(ValueError, match=r"thing identifier.*'mine'.*Received: 'mime'"):
        table.lookup("mime")


def test_a_slot_is_filled_once() -> None:
    slot = Slot("nowhere")
    with pytest.raises(RuntimeError, match="Nothing fills the slot 'nowhere'"):
        slot.run("3")
    slot.fill({"run": int}.__getitem__)
    assert slot.run("3") == 3
    with pytest.raises(RuntimeError, match="is filled"):
        slot.fill({"run": str}.__getitem__)


def test_what_is_postponed_is_found_when_it_is_looked_up() -> None:
    asked: list[str] = []
    table: Registry = Registry("thing")
    table.register([Mine])
    table.postpone({"mine": "theirs", "old": "theirs"}, lambda name: asked.append(name) or int)
    with pytest.raises(RuntimeError, match="each name once"):
        table.postpone({"Mine": "theirs"}, asked.append)
    table.seal()
    assert "mine" in table
    assert set(table) == {"Mine", "mine", "old"}
    assert "other" not in table
    assert asked == []
    assert table["mine"] is int
    assert table["mine"] is int
    assert asked == ["theirs"]
    with pytest.raises(RuntimeError, match="is sealed"):
        table.postpone({"new": "theirs"}, asked.append)


def test_every_public_layer_stands_in_the_table_under_its_own_name() -> None:
    public = {n: getattr(cnnfast.layers, n) for n in cnnfast.layers.__all__}
    classes = {n for n, cls in public.items() if isinstance(cls, type) and cls.__name__ == n}
    assert classes - set(LAYERS) == {"InputSpec", "Lambda", "Layer", "Wrapper"}
