# What one question about a whole disk is answered, by libnbd: "extended" or "compact", then one
# line "LENGTH FLAGS" for each extent. Usage: extents.py URI
import sys

import nbd

handle = nbd.NBD()
handle.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
handle.connect_uri(sys.argv[1])
size = handle.get_size()
extents = []
if hasattr(handle, "block_status_64") and handle.get_extended_headers_negotiated():
    print("extended")
    handle.block_status_64(size, 0, lambda name, at, told, error: extents.extend(told))
else:
    print("compact")
    handle.block_status(
        min(size, 0xFFFFFE00), 0,
        lambda name, at, told, error: extents.extend(zip(told[::2], told[1::2])))
for length, flags in extents:
    print(length, flags)
