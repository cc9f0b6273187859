"""Ways of walking through a layer's input: one component each, all with the same ports."""
