"""Emitting the engine's Verilog once for each configuration and each state of the sources."""

import sys
from importlib import metadata
from itertools import product
from types import ModuleType

import pytest

from celosia.driver.rtl import source as netlist
from celosia.spec import Config
from celosia.support.errors import CelosiaError


@pytest.fixture
def emitted(monkeypatch):
    """What was emitted, configuration and technology, by an emitter that needs no Amaranth."""
    calls = []
    module = ModuleType("celosia_hw.emit")

    def verilog(config, technology):
        calls.append((config, technology))
        return f"// {config} {technology}\n"

    module.verilog = verilog
    monkeypatch.setitem(sys.modules, "celosia_hw.emit", module)
    return calls


def test_each_configuration_is_emitted_once(cache, emitted):
    configs = [
        Config.default(4, 4, convolution=0),
        Config.default(4, 4, tables=0, convolution=0),
        Config.default(8, 4, convolution=0),
    ]
    asked = [*product(configs, ["portable", "simulation"])]
    for _ in range(2):
        for config, technology in asked:
            text = netlist.engine_verilog(config, technology=technology)
            assert text == f"// {config} {technology}\n"
    assert emitted == asked


def test_another_amaranth_emits_again(cache, emitted, monkeypatch):
    config = Config.default(4, 4, convolution=0)
    netlist.engine_verilog(config)
    monkeypatch.setattr(metadata, "version", lambda package: "0.6")
    netlist.engine_verilog(config)
    assert emitted == [(config, "portable")] * 2


def test_no_amaranth(cache, monkeypatch):
    def version(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(CelosiaError, match=r"needs amaranth; .*pip install 'celosia\[hw\]'"):
        netlist.engine_verilog(Config.default(4, 4, convolution=0))


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch, emitted):
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv("CELOSIA_CACHE", str(tmp_path / "cache"))
    with pytest.raises(CelosiaError, match="set CELOSIA_CACHE"):
        netlist.engine_verilog(Config.default(4, 4, convolution=0))
