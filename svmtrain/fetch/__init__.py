"""Public data sets from the network: a catalogue, downloads that resume, checks, unpacking."""
