"""What is shown while something runs, and where tables are printed."""
