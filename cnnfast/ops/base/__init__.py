"""What operations are made of, on symbolic tensors and on arrays."""
