"""The host link: request frames in, response frames out."""
