"""How good a classifier is: figures from counts of right and wrong labels."""
