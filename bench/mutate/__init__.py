"""Mutation cover of the RTL: which small changes of the netlist the stimulus notices."""
