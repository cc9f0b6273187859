"""The engine as a compiled simulation of its Verilog."""
