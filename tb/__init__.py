"""Test benches: cocotb on the pins of the emitted Verilog, on Icarus and on Verilator."""
