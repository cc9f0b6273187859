"""Model files to networks. No importer executes anything from the file it reads."""

from .load import load_model, model_from_bytes, to_network

__all__ = ["load_model", "model_from_bytes", "to_network"]
