"""The engine behind AXI4-Stream and AXI4-Lite."""
