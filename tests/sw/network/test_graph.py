"""Graphs of layers on maps: what they check, and their files."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from celosia.network.graph import Graph
from celosia.network.layers import (
    KINDS,
    Add,
    AveragePool,
    Concatenation,
    Convolution,
    Dense,
    Depthwise,
    MaxPool,
    Mean,
    Pad,
)
from celosia.network.network import Network
from celosia.network.network_file import network_from_bytes, network_to_bytes
from celosia.numerics.quant import Quant
from celosia.support.errors import CelosiaError

Q = Quant(0.5, -3)
RNG = np.random.default_rng(7)


def weights(*shape: int, channels: int) -> dict:
    return {
        "weights": RNG.integers(-128, 128, shape).astype(np.int8),
        "bias": RNG.integers(-999, 999, channels).astype(np.int32),
        "multiplier": RNG.integers(1 << 30, 1 << 31, channels),
        "shift": RNG.integers(-12, -8, channels),
    }


CONVOLUTION = Convolution(
    "convolution",
    input=Q,
    output=Q,
    input_shape=(5, 6, 3),
    output_size=(3, 3),
    stride=(2, 2),
    padding=(1, 0),
    clamp=(-100, 90),
    table=RNG.integers(-128, 128, 256).astype(np.int8),
    table_output=Q,
    **weights(8, 3, 2, 3, channels=8),
)
DEPTHWISE = Depthwise(
    "depthwise",
    input=Q,
    output=Q,
    input_shape=(3, 3, 8),
    output_size=(3, 3),
    padding=(1, 1),
    **weights(3, 3, 16, channels=16),
)
AVERAGE = AveragePool("average", Q, Q, (3, 3, 16), (2, 2), (1, 1), (2, 2))
MAXIMUM = MaxPool("maximum", Q, Q, (3, 3, 16), (2, 2), (1, 1), (2, 2))
SUM = Add("sum", Q, Quant(0.25, 4), Q, (2, 2, 16))
BESIDE = Concatenation("beside", Q, ((2, 2, 16), (2, 2, 16)))
BORDER = Pad("border", Q, (2, 2, 32), 1, 0, 2, 1)
MEAN = Mean("mean", Q, Quant(0.25, 1), (3, 5, 32))
DENSE = Dense("dense", input=Q, output=Q, **weights(4, 32, channels=4))
LAYERS = (CONVOLUTION, DEPTHWISE, AVERAGE, MAXIMUM, SUM, BESIDE, BORDER, MEAN, DENSE)
READS = ((0,), (1,), (2,), (2,), (3, 4), (5, 3), (6,), (7,), (8,))
GRAPH = Graph("maps", LAYERS, READS)


def test_shapes_and_quantizations_of_all_tensors():
    assert {layer.kind for layer in GRAPH.layers} == set(KINDS)
    assert GRAPH.shapes == (
        (5, 6, 3),
        (3, 3, 8),
        (3, 3, 16),
        (2, 2, 16),
        (2, 2, 16),
        (2, 2, 16),
    ) + (
        (2, 2, 32),
        (3, 5, 32),
        (1, 1, 32),
        (1, 1, 4),
    )
    assert GRAPH.quants[8] == Quant(0.25, 1) and GRAPH.input == GRAPH.output == Q
    assert GRAPH.macs == 9 * 8 * 18 + 9 * 9 * 16 + 128
    assert [layer.inputs for layer in LAYERS[:2]] == [90, 72] and CONVOLUTION.outputs == 72


def test_the_input_of_an_addition_is_whichever_operand_it_is():
    first = Pad("copy", Quant(0.25, 4), (2, 2, 16))
    graph = Graph("g", (first, replace(SUM, input=first.output, other=Q)), ((0,), (1, 0)))
    assert graph.quants[0] == Quant(0.25, 4)
    assert Graph("g", (replace(SUM, other=Q),), ((0, 0),)).input == Q


@pytest.mark.parametrize(
    ("says", "at", "reads"),
    [
        ("sum: takes a map of [2, 2, 16] but 'depthwise' gives [3, 3, 16]", 4, (2, 4)),
        ("average: reads tensor 4, which is not computed before it", 2, (4,)),
        ("average: reads tensor -1, which is not computed before it", 2, (-1,)),
        ("average: reads 2 tensors, not 1", 2, (2, 2)),
        ("maps, maximum: nothing reads its values", 4, (3, 3)),
    ],
)
def test_reads_that_do_not_fit(says, at, reads):
    changed = list(READS)
    changed[at] = reads
    with pytest.raises(CelosiaError) as caught:
        Graph("maps", LAYERS, tuple(changed))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        ((), "outputs [] are not different tensors"),
        ((9, 9), "outputs [9, 9] are not different tensors"),
        ((0, 9), "output 0 is no layer's result"),
        ((10,), "output 10 is no layer's result"),
    ],
)
def test_outputs_that_are_none(outputs, says):
    with pytest.raises(CelosiaError) as caught:
        Graph("maps", LAYERS, READS, outputs)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("says", "make"),
    [
        ("convolution: clamp (5, -5)", lambda: replace(CONVOLUTION, clamp=(5, -5))),
        ("a table needs 256 entries", lambda: replace(AVERAGE, table=np.zeros(9, np.int8))),
        (
            "are not [outputs, height, width, 2]",
            lambda: replace(CONVOLUTION, input_shape=(5, 6, 2)),
        ),
        ("a multiple of 7]", lambda: replace(DEPTHWISE, input_shape=(3, 3, 7))),
        ("bias of shape (3,) does not", lambda: replace(DEPTHWISE, bias=DEPTHWISE.bias[:3])),
        ("channel 0: shift 99", lambda: replace(CONVOLUTION, shift=CONVOLUTION.shift * 0 + 99)),
        ("stride [0, 1] is not", lambda: replace(CONVOLUTION, stride=(0, 1))),
        ("padding [0, -1] is not", lambda: replace(DEPTHWISE, padding=(0, -1))),
        ("shape [0, 3, 8] is not a map", lambda: replace(CONVOLUTION, output_size=(0, 3))),
        ("outside of the map vertically", lambda: replace(AVERAGE, output_size=(4, 2))),
        ("outside of the map horizontally", lambda: replace(MAXIMUM, padding=(0, 2))),
        ("do not lie side by side", lambda: replace(BESIDE, shapes=((2, 2, 1), (2, 1, 1)))),
        ("do not lie side by side", lambda: replace(BESIDE, shapes=())),
        ("a border of [0, -1, 0, 0]", lambda: replace(BORDER, top=0, bottom=-1, left=0, right=0)),
        ("map [3, 5, 2] does not hold 32", lambda: replace(DENSE, input_shape=(3, 5, 2))),
    ],
)
def test_layers_that_are_none(says, make):
    with pytest.raises(CelosiaError) as caught:
        make()
    assert says in str(caught.value)


def test_every_kind_of_layer_comes_back_from_a_file():
    whole = Network.of(Graph("maps", LAYERS, READS, (9, 7)))
    again = network_from_bytes(network_to_bytes(whole))
    assert (again.graph.reads, again.graph.outputs) == (READS, (9, 7))
    x = RNG.integers(-128, 128, (5, 90)).astype(np.int8)
    for one, other in zip(whole.graph.evaluate(x), again.graph.evaluate(x), strict=True):
        assert np.array_equal(one, other)
    assert network_to_bytes(again) == network_to_bytes(whole)


def changed(edit) -> bytes:
    content = dict(np.load(io.BytesIO(network_to_bytes(GRAPH))))
    document = json.loads(content["header"].tobytes())
    edit(document)
    content["header"] = np.frombuffer(json.dumps(document).encode(), np.uint8)
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("says", "edit"),
    [
        ("kind 'Exec' is unknown", lambda d: d["layers"][0].update(kind="Exec")),
        ("kind [] is unknown", lambda d: d["layers"][0].update(kind=[])),
        ("['more'] differ", lambda d: d["layers"][0].update(more=1)),
        ("['stride'] differ", lambda d: d["layers"][0].pop("stride")),
        ("not an integer", lambda d: d["layers"][0].update(stride=[1.5, 2])),
        ("are not 2 integers", lambda d: d["layers"][0].update(stride=[1])),
        ("is not a list", lambda d: d["layers"][5].update(shapes=[3])),
        ("is not an integer", lambda d: d["layers"][6].update(top=1 << 40)),
        ("shape [5, -6, 3] is not a map", lambda d: d["layers"][0].update(input_shape=[5, -6, 3])),
        ("reads tensor 99", lambda d: d["reads"][0].__setitem__(0, 99)),
        ("not a network", lambda d: d.pop("reads")),
        ("is no layer's result", lambda d: d.update(outputs=[0])),
    ],
)
def test_files_that_are_none(says, edit):
    with pytest.raises(CelosiaError) as caught:
        network_from_bytes(changed(edit))
    assert says in str(caught.value)
