"""The objective: losses of scores, and the linear algebra around them."""
