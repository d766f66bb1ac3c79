"""What is known of a layer or operation before it runs: names, arguments, shapes, dtypes, calls."""
