"""What the commands about data do: describe, check, split, convert, fetch, start a config."""
