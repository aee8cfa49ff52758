"""The bad inputs among data files: by number in the catalogue and name, what each holds.

The tests of the readers and those of the command line walk the same tables.
"""

import gzip
import io
import struct
import warnings
import zipfile

import numpy as np

CSV = {
    "27-empty": (b"", None, None, "the file is empty"),
    "28-header-only": (b"x,z,label\n", None, None, "has a header and no rows"),
    "29-ragged-row": (b"x,z,label\n1,2,a\n3,b\n", 3, None, "2 columns; expected 3"),
    "29-blank-line": (b"x,z,label\n1,2,a\n\n3,4,b\n", 3, None, "a blank line amid the rows"),
    "30-non-number": (b"x,z,label\n1,2,a\n3,n/a,b\n", 3, 2, "column 2 ('z') is 'n/a'; expected"),
    "31-empty-cell": (b"x,z,label\n1,,a\n", 2, 2, "column 2 ('z') is empty"),
    "31-empty-label": (b"x,z,label\n1,2, \n", 2, 3, "the label is empty"),
    "32-nan": (b"x,z,label\n1,2,a\n1,nan,a\n", 3, 2, "is 'nan'; expected a finite number"),
    "32-inf": (b"x,z,label\n-inf,2,a\n", 2, 1, "is '-inf'; expected a finite number"),
    "33-overflow": (b"x,z,label\n1,1e400,a\n", 2, 2, "is '1e400'; expected a finite number"),
    "34-underscore": (b"x,z,label\n1,1_000,a\n", 2, 2, "is '1_000'"),
    "35-arabic": ("x,z,label\n1,\u0663,a\n".encode(), 2, 2, "is '\u0663'"),
    "35-full-width": ("x,z,label\n\uff11,2,a\n".encode(), 2, 1, "is '\uff11'"),
    "36-stray-quote": (b'x,z,label\n1,2,a\n1,"2,a\n3,4,b\n', 3, None, "is never closed"),
    "37-text-after-quote": (b'x,z,label\n"1"2,3,a\n', 2, None, "text follows a closing quote"),
    "38-nul": (b"x,z,label\n1,\x00,a\n", 2, None, "a NUL byte at byte offset 12"),
    "39-utf-16": ("\ufeffx,z,label\n1,2,a\n".encode("utf-16-le"), None, None, "UTF-16 text"),
    "41-decimal-comma": (b"x;z;label\n1,5;2,5;a\n", 2, 1, "a decimal point, not a comma"),
    "42-no-label-column": (b"x,z\n1,2\n", None, None, "no column is called label, target"),
    "42-names-listed": (
        b"x,z\n1,2\n",
        None,
        None,
        "found 'x', 'z' (name the target: data.target of a config, or --target)",
    ),
    "44-huge-field": (b"x,label\n" + b"1" * 140_000 + b",a\n", 2, None, "a cell is longer than"),
    "45-not-gzip": (b"\x1f\x8b\x08\x00" + b"\xff" * 30, None, None, "is damaged gzip data"),
    "45-not-bzip2": (b"BZh91AY&SY" + bytes(80), None, None, "is damaged bzip2 data"),
    "45-not-xz": (b"\xfd7zXZ\x00" + bytes(30), None, None, "is damaged xz data"),
    "45-gzip-twice": (gzip.compress(gzip.compress(b"x")), None, None, "seems to be gzip data"),
    "45-zstandard": (b"\x28\xb5\x2f\xfd\x00", None, None, "seems to be zstandard data"),
    "45-zip": (b"PK\x03\x04" + b"\x00" * 40, None, None, "seems to be a zip archive"),
    "45-not-utf-8": (b"x,label\n1,a\xff\n", 2, None, "byte 0xff at byte offset 11"),
}

SVMLIGHT = {
    "46-no-label": (b"1 1:2\n1:0.5 2:1\n", 2, 1, "begins with '1:0.5'; expected an integer"),
    "47-no-colon": (b"1 3\n", 1, 3, "'3' is not of the form index:value"),
    "47-no-value": (b"1 1:1\n1 2:1 3:\n", 2, 7, "'3:' is not of the form index:value"),
    "47-no-index": (b"1 :5\n", 1, 3, "':5' is not of the form index:value"),
    "47-two-colons": (b"1 1:2:3\n", 1, 3, "'1:2:3' is not of the form index:value"),
    "47-balanced": (b"1 3 2:5:6\n", 1, 3, "'3' is not of the form index:value"),
    "48-index-zero": (b"1 0:1 1:2\n", 1, 3, "indices count from 1"),
    "49-negative": (b"1 -1:1\n", 1, 3, "index '-1'; expected a whole number from 1"),
    "50-unsorted": (b"1 1:1 3:1 2:1\n", 1, 11, "index 2 after 3; expected increasing"),
    "50-repeated": (b"1 2:1 2:1\n", 1, 7, "index 2 after 2; expected increasing"),
    "51-underscore": (b"1 1_0:1\n", 1, 3, "index '1_0'"),
    "51-plus": (b"1 +1:1\n", 1, 3, "index '+1'"),
    "51-point": (b"1 1.0:1\n", 1, 3, "index '1.0'"),
    "51-arabic": ("1 \u0661:1\n".encode(), 1, 3, "index '\u0661'"),
    "51-arabic-value": ("1 1:\u0661\n".encode(), 1, 3, "feature 1 is '\u0661'"),
    "51-underscore-value": (b"1 1:1_0\n", 1, 3, "feature 1 is '1_0'"),
    "52-huge-index": (b"1 1000000000000:1\n", 1, 3, "too large: one dense row may take 2.0 GiB"),
    "52-longer-than-int": (b"1 " + b"9" * 5000 + b":1\n", 1, 3, "too large"),
    "53-nan": (b"1 1:nan\n", 1, 3, "feature 1 is 'nan'; expected a finite number"),
    "53-inf": (b"1 1:1 2:inf\n", 1, 7, "feature 2 is 'inf'; expected a finite number"),
    "53-overflow": (b"1 1:1e400\n", 1, 3, "feature 1 is '1e400'; expected a finite number"),
    "54-multilabel": (b"1 1:1\n1,2 1:3\n", 2, 1, "label '1,2'; expected one integer"),
    "54-fraction": (b"1.5 1:3\n", 1, 1, "label '1.5'; expected an integer"),
    "55-vertical-tab": (b"1 1:1\x0b2:1\n", 1, 6, "the control character '\\x0b'"),
    "55-nul": (b"1 1:1\n1 1:1\x00\n", 2, None, "a NUL byte at byte offset 11"),
    "57-csv": (b"5.1,3.5,setosa\n", 1, None, "looks like CSV split at ','"),
    "58-long-line": (b"1 " + b"1:1 " * (5 << 20), 1, None, "longer than 16,777,216 bytes"),
    "59-qid": (b"1 qid:x 1:1\n", 1, 3, "'qid:x' is malformed; expected qid:n"),
    "59-qid-empty": (b"1 qid: 1:1\n", 1, 3, "'qid:' is malformed"),
    "59-qid-late": (b"1 1:1 qid:3\n", 1, 7, "qid follows the label"),
}


def npy(array):
    """Return an array as the bytes of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zipped(members, compression=zipfile.ZIP_STORED):
    """Return a zip of (name, content) pairs; equal names are allowed."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(buffer, "w", compression) as archive:
            for name, content in members:
                archive.writestr(name, content)
    return buffer.getvalue()


X = ("X.npy", npy(np.arange(6.0).reshape(3, 2)))
Y = ("y.npy", npy(np.array([0, 1, 1])))
GOOD = zipped([X, Y])
FIRST_ENTRY = GOOD.index(b"PK\x01\x02")
SECOND_ENTRY = GOOD.index(b"PK\x01\x02", FIRST_ENTRY + 1)


def patched(offset, content, base=GOOD):
    """Return `base` with `content` written over it at `offset`."""
    return base[:offset] + content + base[offset + len(content) :]


def with_x(content):
    """Return an npz whose X is the given bytes."""
    return zipped([("X.npy", content), Y])


NPZ = {
    "60-not-a-zip": (b"x,label\n1,2\n", "is not a zip archive"),
    "60-not-gzip": (b"\x1f\x8b\x08" + b"\xff" * 30, "is damaged gzip data"),
    "61-truncated": (GOOD[:-30], "is a truncated zip archive"),
    "61-cut-inside": (GOOD[:100], "is a truncated zip archive"),
    "61-middle-lost": (GOOD[:50] + GOOD[80:], "X is not where the zip directory"),
    "62-no-X": (zipped([("data.npy", X[1]), Y]), "holds no array 'X'; found 'data', 'y'"),
    "62-no-y": (zipped([X]), "holds no array 'y'; found 'X'"),
    "63-unexpected": (zipped([X, Y, ("z.npy", Y[1])]), "an unexpected member 'z.npy'"),
    "63-not-an-array": (zipped([X, Y, ("run.sh", b"")]), "an unexpected member 'run.sh'"),
    "63-duplicate": (zipped([X, Y, Y]), "holds the array 'y' 2 times"),
    "63-parent": (zipped([X, Y, ("../y.npy", Y[1])]), "unexpected member '../y.npy'"),
    "64-overlap": (patched(SECOND_ENTRY + 42, struct.pack("<I", 0)), "y and X overlap"),
    "64-into-directory": (patched(SECOND_ENTRY + 20, struct.pack("<II", 999, 999)), "overlap"),
    "64-outside": (patched(SECOND_ENTRY + 42, struct.pack("<I", 10**9)), "is not where"),
    "65-encrypted": (patched(FIRST_ENTRY + 8, b"\x01"), "X is encrypted"),
    "65-compression": (patched(FIRST_ENTRY + 10, b"\x0c"), "X has compression 12; expected stored"),
    "66-bomb": (
        zipped([("X.npy", npy(np.zeros((9 << 10, 1 << 10)))), Y], zipfile.ZIP_DEFLATED),
        "expands from",
    ),
    "66-lying-size": (patched(FIRST_ENTRY + 24, struct.pack("<I", 9999)), "two sizes differ"),
    "67-bad-crc": (patched(X[1].index(b"\n") + 45, b"\x01"), 'X is damaged: "Bad CRC-32'),
    "68-shape": (with_x(X[1].replace(b"(3, 2)", b"(3, 3)")), "X has shape (3, 3), 72 bytes, but"),
    "68-vast-shape": (with_x(X[1].replace(b"(3, 2), }", b"(9**9,2)}")), "has a header that is"),
    "68-endless": (
        with_x(X[1].replace(b"(3, 2), }           ", b"(10000000000000, 2)}")),
        "X has shape (10000000000000, 2), 160,000,000,000,000 bytes, but holds 48",
    ),
    "68-objects": (with_x(X[1].replace(b"'<f8'", b"'|O' ")), "Python objects (a pickle)"),
    "69-row-counts": (zipped([X, ("y.npy", npy(np.arange(4)))]), "y has 4 values, but X has 3"),
}


NPY_X = {
    "70-empty": (b"", "the file is empty"),
    "71-wrong-magic": (b"NUMPY" + X[1], "X is not a numpy array: it begins with"),
    "71-pickle": (b"\x80\x04\x95" + bytes(60), "seems to be a Python pickle"),
    "71-objects": (npy(np.array([[None]])), "X holds Python objects (a pickle), dtype '|O'"),
    "72-version": (patched(6, b"\x09", X[1]), "X has npy version 9.0; expected 1.0, 2.0 or 3.0"),
    "73-records": (npy(np.zeros((2, 2), dtype="f8,i4")), "X holds raw or structured records"),
    "73-complex": (npy(np.zeros((2, 2), dtype=complex)), "X holds complex numbers"),
    "73-dates": (npy(np.zeros((2, 2), dtype="M8[s]")), "X holds dates"),
    "73-void": (npy(np.zeros((2, 2), dtype="V3")), "X holds raw or structured records"),
    "73-float128": (npy(np.zeros((2, 2), dtype="f16")), "X holds floats of a size that is not"),
    "73-text": (npy(np.array([["a"]])), "X holds text; expected numbers"),
    "74-endless": (
        X[1].replace(b"(3, 2), }           ", b"(10000000000000, 2)}"),
        "X has shape (10000000000000, 2), 160,000,000,000,000 bytes, but holds 48",
    ),
    "75-negative": (X[1].replace(b"(3, 2), ", b"(3, -2),"), "X has shape (3, -2); expected whole"),
    "75-boolean": (X[1].replace(b"(3, 2), } ", b"(3, True)}"), "X has shape (3, True); expected"),
    "75-huge": (
        X[1].replace(b"(3, 2), }" + b" " * 20, b"(9%s, 2), }" % (b"0" * 20)),
        "X has the impossible shape (900000000000000000000, 2)",
    ),
    "76-long-header": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "a header of 4,294,967,295 bytes"),
    "77-not-literal": (X[1].replace(b"(3, 2), }", b"open('x')"), "X has a header that is not"),
    "78-trailing-bytes": (X[1] + b"\0", "X has shape (3, 2), 48 bytes, but holds 49"),
    "78-truncated": (X[1][:-1], "X has shape (3, 2), 48 bytes, but holds 47"),
    "78-trailing-packed": (gzip.compress(X[1] + b"\0"), "48 bytes, but holds more"),
    "78-truncated-packed": (gzip.compress(X[1][:-1]), "48 bytes, but holds 47"),
    "79-one-dimension": (npy(np.zeros(3)), "X has shape (3,); expected two dimensions"),
    "79-three-dimensions": (npy(np.zeros((3, 2, 2))), "X has shape (3, 2, 2); expected two"),
    "79-no-rows": (npy(np.zeros((0, 2))), "X has no rows"),
    "79-no-columns": (npy(np.zeros((3, 0))), "has no feature columns"),
    "79-not-finite": (npy(np.full((3, 2), np.inf)), "X is inf in row 0, column 0 (both from 0)"),
}
NPY_Y = {
    "70-no-labels": (b"", "y is not a numpy array"),
    "71-objects": (npy(np.array([None] * 3)), "y holds Python objects (a pickle), dtype '|O'"),
    "74-endless": (npy(np.arange(4)), "y has 4 values, but X has 3 rows"),
    "78-truncated": (Y[1][:-1], "y has shape (3,), 24 bytes, but holds 23"),
    "79-two-dimensions": (npy(np.zeros((3, 1))), "y has shape (3, 1); expected one dimension"),
    "79-fractions": (npy(np.array([0, 1.5, 1])), "y is 1.5 in row 1 (from 0); expected an integer"),
}


def idx(code, shape, content):
    """Return an IDX file."""
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape) + content


IMAGES, LABELS = idx(8, (3, 2, 2), bytes(12)), idx(8, (3,), b"\1\2\1")
CUT = gzip.compress(IMAGES)
WHOLE = "has 3 x 2 x 2 values of uint8, 12 bytes, but holds"
IDX = {
    "80-not-gzip": (b"\x1f\x8b" + IMAGES, LABELS, "is damaged gzip data", "features"),
    "81-magic": (b"\1" + IMAGES, LABELS, "is not IDX: it begins with", "features"),
    "81-type": (idx(7, (3, 2), bytes(6)), LABELS, "the unknown type 0x07; expected", "features"),
    "81-short": (IMAGES[:9], LABELS, "is cut off inside its header", "features"),
    "81-labels": (IMAGES, b"label\n1\n", "is not IDX: it begins with b'labe'", "labels"),
    "82-short": (IMAGES[:-1], LABELS, f"{WHOLE} 11", "features"),
    "82-long": (IMAGES + b"\0", LABELS, f"{WHOLE} 13", "features"),
    "82-short-packed": (gzip.compress(IMAGES[:-1]), LABELS, f"{WHOLE} 11", "features"),
    "82-long-packed": (gzip.compress(IMAGES + b"\0"), LABELS, f"{WHOLE} more", "features"),
    "82-labels": (IMAGES, LABELS[:-1], "has 3 values of uint8, 3 bytes, but holds 2", "labels"),
    "82-no-rows": (idx(8, (0, 2), b""), LABELS, "holds no rows", "features"),
    "82-no-columns": (idx(8, (3, 0), b""), LABELS, "has no feature columns", "features"),
    "83-overflow": (idx(8, [2**32 - 1] * 3, b""), LABELS, "the impossible shape", "features"),
    "83-endless": (
        idx(8, (10**6, 10**6), bytes(64)),
        LABELS,
        "has 1000000 x 1000000 values of uint8, 1,000,000,000,000 bytes, but holds 64",
        "features",
    ),
    "84-swapped": (LABELS, IMAGES, "one dimension, as labels have; expected images", "features"),
    "84-twice": (IMAGES, IMAGES, "has 3 dimensions; expected labels, which have one", "labels"),
    "84-floats": (IMAGES, idx(13, (3,), bytes(12)), "holds floats; expected labels", "labels"),
    "85-counts": (IMAGES, idx(8, (4,), bytes(4)), "holds 4 labels, but ", "labels"),
    "86-truncated": (CUT[:-9], LABELS, "is cut off: the gzip data end early", "features"),
    "86-crc": (patched(len(CUT) - 8, b"abcd", CUT), LABELS, "is damaged gzip data", "features"),
    "86-length": (patched(len(CUT) - 4, b"abcd", CUT), LABELS, "is damaged gzip data", "features"),
    "86-trailing": (CUT + b"more", LABELS, "is damaged gzip data", "features"),
    "87-more-than-said": (gzip.compress(IMAGES + bytes(2**20)), LABELS, "holds more", "features"),
    "82-not-finite": (
        idx(14, (3, 1), struct.pack(">3d", 1, 2, np.nan)),
        LABELS,
        "X is nan in row 2, column 0 (both from 0); expected a finite number",
        "features",
    ),
}


ROW = bytes([3]) + bytes(3072)
CIFAR = {
    "88-short": ("cifar10", ROW + ROW[:-1], "6,145 bytes; expected a multiple of 3,073"),
    "88-long": ("cifar10", ROW + b"\0", "3,074 bytes; expected a multiple of 3,073, a row of cif"),
    "88-packed": ("cifar10", gzip.compress(ROW + b"\0"), "3,074 bytes; expected a multiple"),
    "88-of-100": ("cifar100", ROW, "3,073 bytes; expected a multiple of 3,074, a row of cifar100"),
    "89-label": ("cifar10", ROW + b"\x0a" + ROW[1:], "row 2 has the label 10; expected 0 to 9"),
    "89-fine": ("cifar100", b"\3\x64" + ROW[1:], "row 1 has the label 100; expected 0 to 99"),
    "89-coarse": ("cifar100", b"\x14\3" + ROW[1:], "row 1 has the label 20; expected 0 to 19"),
    "90-empty": ("cifar10", b"", "the file is empty"),
    "90-empty-packed": ("cifar100", gzip.compress(b""), "the file is empty"),
    "91-pickle": ("cifar10", b"\x80\x02}q\x01(U" + bytes(60), "seems to be a Python pickle"),
    "91-pickle-3": ("cifar100", b"\x80\x03}q\x00" + bytes(60), "loading one could run any code"),
    "91-archive": ("cifar10", gzip.compress(bytes(257) + b"ustar"), "seems to be a tar archive"),
}
