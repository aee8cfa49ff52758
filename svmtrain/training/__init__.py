"""Training: the loop, its state, its records, and when it stops."""
