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

# Foreign clients, guests and fresh machines for the integration tests: ./build.
tools_test=(
  "${tools_demo[@]}"
  busybox=busybox-static
  cpio=cpio
  debootstrap=debootstrap
  fio=fio
  iscsi-ls=libiscsi-bin
  mkfs.xfs=xfsprogs
  nbd-client=nbd-client
  nbdkit=nbdkit
  python:nbd=python3-libnbd
  qemu-img=qemu-utils
  qemu-system-x86_64=qemu-system-x86
  dpkg=qemu-block-extra
  sg_inq=sg3-utils
  xz=xz-utils
)
