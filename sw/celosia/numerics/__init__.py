"""Integer arithmetic that the layers, host steps and the golden model share."""
