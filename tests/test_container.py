"""The container: one possible form, and everything else refused."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest
from extent import extent
from forged import COMMENT, forge, npy, signed
from hypothesis import given, settings
from hypothesis import strategies as st

from svmtrain.container import HEADER, pack, read, unpack
from svmtrain.errors import ModelError
from svmtrain.strict_json import Fields

FIXED = {"derandomize": True, "database": None, "deadline": None}


def small():
    """Return the bytes of a small container."""
    return pack({"a": 1}, {"W": np.array([1.5, -2.0])})


GOOD_HEADER = (HEADER, b'{\n "a": 1\n}')
GOOD_ARRAY = ("W.npy", npy())


def refused(content):
    """Assert that a container is refused with a ModelError of one line, and return that line."""
    with pytest.raises(ModelError) as caught:
        unpack(content, "m.npz")
    message = str(caught.value)
    assert message.startswith("m.npz: ")
    assert "\n" not in message
    assert len(message) < 200
    return message


@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i8", "<u8"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (0, 4), (2, 0, 3), (2, 3)])
def test_content_survives_a_round_trip(tmp_path, dtype, shape):
    """Header and arrays come back equal, also empty arrays and those without dimensions."""
    header = {"text": "\u00e9\u2713\n", "n": [1, -2.5, None, True], "deep": {"x": {"y": []}}}
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    path = tmp_path / "m.npz"
    path.write_bytes(pack(header, {"W": array, "other": np.zeros(2)}))
    found, arrays = read(path)
    assert found == header
    assert sorted(arrays) == ["W", "other"]
    assert arrays["W"].shape == shape
    assert arrays["W"].dtype == np.dtype(dtype)
    assert arrays["W"].tobytes() == array.tobytes()
    assert arrays["W"].flags.writeable
    assert arrays["W"].flags.c_contiguous


def test_container_without_arrays_survives():
    """A header alone is a container."""
    assert unpack(pack({}, {}), "m.npz") == ({}, {})


def test_odd_floats_survive_bit_for_bit():
    """Infinities, NaN, negative zero and subnormal numbers are kept in arrays."""
    array = np.array([np.inf, -np.inf, np.nan, -0.0, 5e-324])
    _, arrays = unpack(pack({}, {"x": array}), "m.npz")
    assert arrays["x"].tobytes() == array.tobytes()


def test_numpy_opens_it(tmp_path):
    """Any numpy user can read the arrays."""
    path = tmp_path / "m.npz"
    path.write_bytes(small())
    with np.load(path, allow_pickle=False) as archive:
        assert archive["W"].tolist() == [1.5, -2.0]


def test_same_content_gives_the_same_bytes():
    """Order of keys and of arrays, and their layout in memory, leave no trace."""
    wide = np.arange(12.0).reshape(3, 4)
    first = pack({"a": 1, "b": 2}, {"W": wide, "b": np.ones(2)})
    again = pack({"b": 2, "a": 1}, {"b": np.ones(2), "W": np.asfortranarray(wide)})
    sliced = pack({"b": 2, "a": 1}, {"b": np.ones(4)[::2], "W": wide.copy()})
    assert first == again == sliced


def test_form_is_fixed():
    """The digest of a small container is fixed here: to change it is to change the format."""
    assert hashlib.sha256(small()).hexdigest() == FIXED_DIGEST


FIXED_DIGEST = "04e5a9e787091b7f567deeca1cbf8012d2eb384aaf8f118c9ced2a5a01925bb0"


def test_forgeries_start_from_what_pack_writes():
    """The helper that forges gives the real bytes when there is nothing to forge."""
    assert forge([GOOD_ARRAY, GOOD_HEADER]) == small()
    assert npy() == npy(np.array([1.5, -2.0]))


def test_every_flipped_bit_is_refused():
    """No single bit of a container can change in silence."""
    content = bytearray(small())
    for position in range(len(content)):
        for bit in range(8):
            content[position] ^= 1 << bit
            with pytest.raises(ModelError):
                unpack(bytes(content), "m.npz")
            content[position] ^= 1 << bit


def test_every_flipped_byte_is_refused_even_when_signed_again():
    """With the digest mended, there is still one possible form only."""
    content = bytearray(small())
    for position in range(len(content) - COMMENT):
        for mask in (0xFF, 0x01, 0x80):
            content[position] ^= mask
            with pytest.raises(ModelError):
                unpack(signed(bytes(content)), "m.npz")
            content[position] ^= mask


def test_every_truncation_is_refused():
    """No beginning of a container is a container."""
    content = small()
    for length in range(len(content)):
        refused(content[:length])


@pytest.mark.parametrize("extra", [b"\0", b" ", b"PK", b"x" * 71, b"\0" * 4096])
def test_appended_and_prepended_bytes_are_refused(extra):
    """Nothing may stand before or after a container."""
    refused(small() + extra)
    refused(extra + small())
    refused(signed(extra + small()))


def test_two_containers_in_a_row_are_refused():
    """A container appended to another is not read as the last one."""
    refused(signed(small() + small()))
    refused(small() + small())


def test_zeroed_blocks_are_refused():
    """A stretch of zeros, as a lost disk sector leaves it, is found."""
    content = pack({"a": 1}, {"W": np.ones(200)})
    for start in range(0, len(content), 64):
        holed = content[:start] + bytes(64) + content[start + 64 :]
        refused(holed[: len(content)])


@pytest.mark.parametrize(
    "members",
    [
        [GOOD_ARRAY, GOOD_ARRAY, GOOD_HEADER],
        [GOOD_ARRAY, GOOD_HEADER, GOOD_HEADER],
        [GOOD_ARRAY],
        [GOOD_HEADER, GOOD_ARRAY],
        [GOOD_ARRAY, GOOD_HEADER, ("notes.txt", b"x")],
        [GOOD_ARRAY, ("evil.pkl", b"cos\nsystem\n"), GOOD_HEADER],
        [("W.npy", b""), GOOD_HEADER],
        [("W.npy", b"\x80\x04K\x01."), GOOD_HEADER],
        [("W.npy", npy() + b"\0"), GOOD_HEADER],
        [("W.npy", npy()[:-1]), GOOD_HEADER],
        [("folder/", b""), GOOD_HEADER],
        [],
    ],
)
def test_signed_archives_with_other_members_are_refused(members):
    """Repeated, missing, extra, unsorted and malformed members are refused."""
    refused(forge(members))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_signed_archives_with_compressed_members_are_refused(method):
    """Nothing is ever inflated, so nothing can explode."""
    bomb = ("W.npy", npy(shape="(1000000,)", data=bytes(8_000_000)))
    refused(forge([GOOD_ARRAY, GOOD_HEADER], compression=method))
    assert len(forge([bomb, GOOD_HEADER], compression=method)) < 100_000
    refused(forge([bomb, GOOD_HEADER], compression=method))


def test_signed_archives_with_gaps_or_other_dates_are_refused():
    """No bytes between the members, and no timestamps."""
    refused(forge([GOOD_ARRAY, GOOD_HEADER], gap=b"hidden"))
    refused(forge([GOOD_ARRAY, GOOD_HEADER], date=(2024, 2, 29, 12, 0, 0)))


@pytest.mark.parametrize(
    "member",
    [
        npy(shape="(1000000000000,)"),
        npy(shape="(3,)"),
        npy(shape="(1,)"),
        npy(shape="(0, 999999999999999999, 999999999999999999)", data=b""),
        npy(shape="(0," + " 1," * 70 + ")", data=b""),
        npy(shape="(-2,)"),
        npy(shape="(True, 2)"),
        npy(shape="(2)"),
        npy(shape="(02,)"),
        npy(shape="(9999999999999999999999,)"),
        npy(fortran="True"),
        npy(descr=">f8"),
        npy(descr="|O"),
        npy(descr="<c8"),
        npy(descr="<f2", data=bytes(4)),
        npy(descr="<U2"),
        npy(np.array([[1.0, 2.0], [3.0, 4.0]], order="F")),
        npy(np.array([1.5, -2.0], dtype=">f8")),
        npy(np.array([1, 2], dtype=np.int32)),
        npy(np.array([True, False])),
        npy().replace(b"\x01\x00", b"\x02\x00", 1),
        npy().replace(b"\x93NUMPY", b"\x93numpy"),
    ],
)
def test_signed_arrays_of_other_forms_are_refused(member):
    """Shapes that do not fill their member, other dtypes, other orders, other versions."""
    refused(forge([("W.npy", member), GOOD_HEADER]))


def test_object_arrays_are_refused_without_being_unpickled():
    """A pickle inside an array is never run."""
    array = np.array([{}, []], dtype=object)
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=True)
    assert "unknown header or dtype" in refused(forge([("W.npy", buffer.getvalue()), GOOD_HEADER]))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"1",
        b"null",
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b'{\n "a": NaN\n}',
        b'{\n "a": Infinity\n}',
        b'{\n "a": -Infinity\n}',
        b'{\n "a": 1e999\n}',
        b'{\n "a": 1,\n "a": 1\n}',
        b'{\n "a": {\n  "b": 1,\n  "b": 2\n }\n}',
        b'{"a": 1}',
        b'{\n "a": 1.00\n}',
        b'{\n "b": 1,\n "a": 1\n}',
        b'{\n "a": "\xc3\xa9"\n}',
        b'{\n "a": 1\n} ',
        b"\xef\xbb\xbf{}",
        '{\n "a": 1\n}'.encode("utf-16"),
        b'{\n "a": ' + b"1" * 5000 + b"\n}",
        b'{\n "a": ' + b"[" * 17 + b"]" * 17 + b"\n}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
        b"[" * 1_000_000,
        b'{"a": "' + b"x" * (17 << 20) + b'"}',
    ],
    ids=range(26),
)
def test_signed_headers_of_other_forms_are_refused(text):
    """NaN, repeated keys, deep nesting, huge numbers and texts, and any other way to write it."""
    refused(forge([GOOD_ARRAY, (HEADER, text)]))


def test_signed_headers_may_nest_to_a_limit_only():
    """Sixteen levels are read; seventeen, written as svmtrain writes, are refused."""
    value = {}
    for _ in range(15):
        value = {"a": value}
    assert unpack(pack(value, {}), "m.npz")[0] == value
    assert "nested too deeply" in refused(pack({"a": value}, {}))


def test_pack_refuses_what_it_could_not_read_back():
    """NaN in the header and arrays of other dtypes are errors of the caller."""
    with pytest.raises(ValueError, match="JSON compliant"):
        pack({"a": float("nan")}, {})
    with pytest.raises(ValueError, match="int32 are not stored"):
        pack({}, {"x": np.zeros(2, dtype=np.int32)})


@settings(max_examples=extent(75, 300), **FIXED)
@given(content=st.binary(max_size=400), sign=st.booleans(), front=st.booleans())
def test_random_bytes_are_refused(content, sign, front):
    """Whatever the bytes, signed or not, only ModelError comes out."""
    if front:
        content = small()[: len(content)] + content
    refused(signed(content + bytes(COMMENT)) if sign else content)


@settings(max_examples=extent(40, 150), **FIXED)
@given(data=st.data())
def test_signed_archives_with_mutations_are_refused(data):
    """Some bytes of a container replaced, removed or added, the digest mended: ModelError only."""
    content = small()[:-COMMENT]
    start = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, 8))
    new = data.draw(st.binary(max_size=8))
    forged = content[:start] + new + content[start + length :]
    if forged != content:
        refused(signed(forged + bytes(COMMENT)))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=extent(40, 100), **FIXED)
@given(header=st.dictionaries(st.text(), JSON, max_size=4))
def test_any_header_survives_a_round_trip(header):
    """Every JSON-able header comes back as it was."""
    found, _ = unpack(pack(header, {}), "m.npz")
    assert json.dumps(found, sort_keys=True) == json.dumps(header, sort_keys=True)


FIELDS = {
    "text": ["x"],
    "count": [0, 2**62],
    "number": [1, 2.5, -1e300],
    "items": [[], [1]],
    "section": [{"a": 1}],
    "optional_text": ["x", None],
    "optional_number": [0.5, None],
}
VALUES = ["x", 0, 2**62, 2.5, True, None, [], [1], {}, {"a": 1}, -1, 2**62 + 1, 10**400]


@pytest.mark.parametrize("method", sorted(FIELDS))
def test_fields_check_the_type_of_every_value(method):
    """A value of another type, or out of range, is a ModelError that names the field."""
    kinds = {
        "text": (str,),
        "count": (int,),
        "number": (int, float),
        "items": (list,),
        "section": (dict,),
        "optional_text": (str, type(None)),
        "optional_number": (int, float, type(None)),
    }[method]
    for value in FIELDS[method]:
        found = getattr(Fields({"k": value}, "m.npz"), method)("k")
        assert getattr(found, "header", found) == value
    for value in VALUES:
        fits = type(value) in kinds and not (
            (method == "count" and not 0 <= value <= 2**62)
            or (method.endswith("number") and value == 10**400)
        )
        fields = Fields({"k": value}, "m.npz")
        if fits:
            getattr(fields, method)("k")
        else:
            with pytest.raises(ModelError, match=r"m\.npz: damaged or forged: header field k is"):
                getattr(fields, method)("k")


def test_missing_field_is_a_model_error():
    """A field that is not there is refused like one of a wrong type."""
    with pytest.raises(ModelError, match="header field k is None; expected a text"):
        Fields({}, "m.npz").text("k")
