"""What the commands do, as functions that a Python program can call too."""
