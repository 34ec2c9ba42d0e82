# Brings a backup up to date, by libnbd: copies what has changed since a point into the image of
# that point. Usage: incremental-backup.py URI POINT IMAGE
import os
import sys

import nbd

STEP = 1 << 30
PIECE = 1 << 20

uri, since, image = sys.argv[1:]
handle = nbd.NBD()
handle.add_meta_context("qemu:dirty-bitmap:" + since)
handle.connect_uri(uri)
assert handle.can_meta_context("qemu:dirty-bitmap:" + since)
size = handle.get_size()
target = os.open(image, os.O_RDWR)
at = 0
copied = 0
while at < size:
    extents = []
    if hasattr(handle, "block_status_64"):
        handle.block_status_64(size - at, at, lambda name, _, told, error: extents.extend(told))
    else:
        handle.block_status(
            min(size - at, STEP), at,
            lambda name, _, told, error: extents.extend(zip(told[::2], told[1::2])))
    for length, flags in extents:
        end = at + length
        while at < end:
            piece = min(end - at, PIECE)
            if flags & 1:  # dirty
                os.pwrite(target, handle.pread(piece, at), at)
                copied += piece
            at += piece
os.close(target)
print(copied, "bytes copied")
