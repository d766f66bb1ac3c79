"""Files as bytes and names: archives, HDF5, JSON, shards; nothing here knows a layer."""
