"""Networks: float, quantized, and what the host does around them."""
