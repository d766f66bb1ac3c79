"""Run the same networks in several runtimes, side by side, and compare answers and times."""
