"""Celosia: int8 neural networks from model file to engine, every byte equal to the golden model."""
