"""Networks in 8 bits: which operations, with what scales, and what the core is told of them."""
