"""Backpropagation as working parts: gates, circuits, expressions, drawings.

>>> from svmtrain.graph import Variable
>>> x, y, z = Variable(-2.0, name="x"), Variable(5.0, name="y"), Variable(-4.0, name="z")
>>> f = (x + y) * z
>>> f.backward()
>>> float(x.grad), float(y.grad), float(z.grad)
(-4.0, -4.0, 3.0)
"""

from svmtrain.graph.circuit import GraphError, Node, Variable, apply, compose, constant
from svmtrain.graph.composites import COMPOSITES
from svmtrain.graph.gates import GATES

__all__ = [
    "COMPOSITES",
    "GATES",
    "GraphError",
    "Node",
    "Variable",
    "apply",
    "compose",
    "constant",
]
