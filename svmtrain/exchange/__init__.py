"""Models in the forms of other programs: a module for each, and the table of them."""
