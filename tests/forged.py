"""Containers that svmtrain would not write, with a digest that fits."""

import hashlib
import io
import struct
import warnings
import zipfile

import numpy as np

COMMENT = 71


def signed(archive):
    """Return an archive whose comment is blank, with the digest that fits its content."""
    body = archive[:-COMMENT]
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode()


def npy(array=None, *, descr="<f8", shape="(2,)", fortran="False", data=None):
    """Return the bytes of an npy member, with any header."""
    data = np.array([1.5, -2.0]).tobytes() if data is None else data
    if array is not None:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, version=(1, 0))
        return buffer.getvalue()
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def forge(members, *, compression=zipfile.ZIP_STORED, gap=b"", date=(1980, 1, 1, 0, 0, 0)):
    """Return a container of any members, re-signed, with bytes between its members."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            info = zipfile.ZipInfo(name, date_time=date)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            info.compress_type = compression
            archive.writestr(info, content)
            archive.fp.seek(archive.start_dir)
            archive.fp.write(gap)
            archive.start_dir += len(gap)
        archive.comment = b" " * COMMENT
    return signed(buffer.getvalue())
