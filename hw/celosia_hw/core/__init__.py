"""Memories and sequencer, and what connects them to feeder, array and postprocessing."""
