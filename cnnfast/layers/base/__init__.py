"""The contract of a layer, and what many of them share."""
