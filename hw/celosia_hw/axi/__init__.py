"""The engine with AXI4-Stream and AXI4-Lite pins."""
