"""How much each layer loses in 8 bits."""

import numpy as np
import pytest
from rich.console import Console

from cnnfast import Sequential, layers, quantization
from networks_in_bytes import SIZE, images, network


def test_each_computing_layer_has_an_error_the_largest_first():
    found = quantization.sensitivity(network("residual"), images(8), verbose=0)
    errors = [error for _, error in found.layers]
    assert len(errors) == 5
    assert errors == sorted(errors, reverse=True)
    assert all(0 < error < 0.05 for error in errors)
    assert 0 < found.error < sum(errors)


def test_the_layer_whose_weights_differ_most_in_size_comes_first():
    model = Sequential(
        [layers.Input(SIZE), layers.Conv2D(4, 3, name="even"), layers.Conv2D(4, 3, name="uneven")]
    )
    kernel, bias = model.layers[1].get_weights()
    kernel[0, 0, 0] *= 1e3  # the other weights of these channels have few integers left
    model.layers[1].set_weights([kernel, bias])
    found = quantization.sensitivity(model, images(8), equalize=False, verbose=0)
    assert next(name for name, _ in found.layers) == "uneven"


def test_it_is_shown_as_a_table():
    found = quantization.sensitivity(network("classifier"), images(4), verbose=0)
    console = Console(width=100)
    with console.capture() as captured:
        console.print(found)
    assert "error of the outputs" in captured.get()
    assert "hidden" in captured.get()


def test_kept_layers_are_left_out():
    model = network("classifier")
    found = quantization.sensitivity(model, images(4), keep=["hidden"], verbose=0)
    assert "hidden" not in [name for name, _ in found.layers]


def test_wrong_images_are_refused():
    with pytest.raises(ValueError, match="Received: none"):
        quantization.sensitivity(network("classifier"), np.zeros((0, *SIZE)), verbose=0)
