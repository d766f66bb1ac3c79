"""What data is made of: batches, pictures, sequences, files that are there already."""
