"""The data: datasets, readers, scaling, splits."""
