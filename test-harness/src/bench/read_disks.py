"""Reads 4 KiB at random places of some disks, so many times a second each, until killed.

One light process for all of them: on a small machine a client for each disk would take the
processor time that is to be measured. Needs Debian's python3-libnbd.

usage: read_disks.py READS_PER_SECOND URI...
"""

import random
import sys
import time

import nbd


def main():
    pause = 1 / int(sys.argv[1])
    disks = []
    for uri in sys.argv[2:]:
        disk = nbd.NBD()
        disk.connect_uri(uri)
        disks.append(disk)
    blocks = disks[0].get_size() // 4096
    turn = time.monotonic()
    while True:
        for disk in disks:
            disk.pread(4096, random.randrange(blocks) * 4096)
            turn += pause / len(disks)
            time.sleep(max(0, turn - time.monotonic()))


main()
