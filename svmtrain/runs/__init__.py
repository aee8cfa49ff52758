"""The run directory: its files, its lock, its journal, and tables over many of them."""
