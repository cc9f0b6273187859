"""The int8 multiply-accumulate array."""
