"""The judge of messages: what it lets pass, and what it must find."""

import pytest
from tone import faults_of

GOOD = [
    "svmtrain: error: a.yaml:3: solver.epochs must be an integer >= 1, got 0\n",
    "svmtrain: error: a.csv:8:2: 'Please!  KeyError.' is no number\n",
    "svmtrain: SIGINT: saved at step 3; go on with: svmtrain resume runs/a\n",
    "svmtrain: error: runs/a: cannot write: No space left on device (ENOSPC)\n",
    "svmtrain: error: columns x, z, ...\n",
]
BAD = {
    "": "not one line",
    "svmtrain: error: a\nsvmtrain: error: b\n": "not one line",
    "Traceback (most recent call last):\n": "not one line",
    "svmtrain: oh\n": "does not begin",
    "svmtrain: error: Traceback of a\n": "a traceback",
    "svmtrain: error: got <class int>\n": "a repr",
    "svmtrain: error: <function f at 0x7f0011223344>\n": "a repr",
    "svmtrain: error: got NoneType\n": "a name of Python",
    "svmtrain: error: KeyError: x\n": "a name of Python",
    "svmtrain: error: PosixPath(a) is wrong\n": "a name of Python",
    "svmtrain: error: no such file!\n": "an exclamation mark",
    "svmtrain: error: please name a file\n": "a plea",
    "svmtrain: error: no such file.\n": "a full stop",
    "svmtrain: error: no  such file\n": "two spaces",
    "svmtrain: error: no such \x1bfile\n": "a terminal obeys",
    f"svmtrain: error: {'too much ' * 40}\n": "characters",
}


@pytest.mark.parametrize("text", GOOD)
def test_a_good_message_passes(text):
    """What stands between quotes is another's."""
    assert faults_of(text) == []


@pytest.mark.parametrize(("text", "fault"), BAD.items(), ids=BAD.values())
def test_each_fault_is_found(text, fault):
    """A judge that finds nothing proves nothing."""
    assert any(fault in one for one in faults_of(text)), faults_of(text)
