"""JSON that is believed only where it is what it must be."""

import pytest

from svmtrain import strict_json


@pytest.mark.parametrize("depth", [17, 100, 500, 600, 700, 900, 990, 2000, 100_000])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_any_depth_of_nesting_is_one_error(depth, brackets):
    """Whether the parser gives up, or only what measures the depth."""
    left, right = brackets
    inner = b"" if left == b"[" else b"1"
    content = b'{"a": ' + left * depth + inner + right * depth + b"}"
    with pytest.raises(ValueError, match="nested too deeply"):
        strict_json.parse(content, 1 << 20)
