# shellcheck shell=bash
# What Tidemark needs from the system, and which Debian package holds it: the one list that
# "tidemark", "build" and "scripts/try-fresh-debian" share. Names hold for Debian 12 and 13.
#
# An entry is "probe=package". The probe decides whether the need is met already, wherever it came
# from: a command ("fio"), "python:MODULE" for Debian's own Python, or "dpkg" for a package without
# either.
#
# shellcheck disable=SC2034 # used where this is sourced

# Compiling and running the gateway. The JDK is not here: see scripts/jdk.sh.
tools_build=(
  mvn=maven
)

# "tidemark demo": mounts a live disk and moments of its past as files, with a file system inside.
tools_demo=(
  nbdfuse=libnbd-bin
  fusermount3=fuse3
  mkfs.ext4=e2fsprogs
)

# The checks that need no other program's disk: ./build --fast.
tools_check=(
  git=git
  shellcheck=shellcheck
)

# The Linux guest of the integration tests: scripts/guest-image makes it, QEMU runs it.
tools_guest=(
  busybox=busybox-static
  flock=util-linux
  gzip=gzip
  iscsid=open-iscsi
  mke2fs=e2fsprogs
  mkfs.xfs=xfsprogs
  multipathd=multipath-tools
  nbd-client=nbd-client
  qemu-system-x86_64=qemu-system-x86
  resize2fs=e2fsprogs
  sg_persist=sg3-utils
  udevadm=udev
  xz=xz-utils
)

# Foreign clients, guests and fresh machines for the integration tests: ./build.
tools_test=(
  "${tools_demo[@]}"
  "${tools_guest[@]}"
  debootstrap=debootstrap
  fio=fio
  ip=iproute2
  iscsi-ls=libiscsi-bin
  nbdkit=nbdkit
  python:nbd=python3-libnbd
  qemu-img=qemu-utils
  dpkg=qemu-block-extra
  tgtd=tgt
)

# The servers that scripts/bench compares this one with, and its clients.
tools_bench=(
  fio=fio
  iscsi-perf=libiscsi-bin
  nbd-server=nbd-server
  nbdinfo=libnbd-bin
  nbdkit=nbdkit
  python3=python3
  python:nbd=python3-libnbd
  qemu-img=qemu-utils
  dpkg=qemu-block-extra
  tgtd=tgt
)
