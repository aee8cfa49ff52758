"""The peers, each a script that is run in a fresh process and prints one line of JSON."""
