"""Boards: clocks, pins and the top level that a bitstream is made of."""
