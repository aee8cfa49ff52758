"""The same training over rows that are on the workers of a cluster, of Dask."""
