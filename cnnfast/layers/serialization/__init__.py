"""Layers as the config objects of files, and layers made of them."""
