# shellcheck shell=bash
# Makes roots of Debian with debootstrap and runs commands in them. The sourcing script sources
# install.sh too, runs as root, and has namespaces of its own where it mounts something.

# Prints where this machine's apt takes Debian from; nothing when that is not known.
debian_mirror() {
  local uri
  # shellcheck disable=SC2016 # for apt to expand
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
    | grep -m 1 -E '/debian/?$' || true)
  printf '%s\n' "${uri%/}"
}

# Fills directory $2 with the release $1. Its proxy and mirror are those of this machine.
make_debian_root() {
  local suite=$1 place=$2 mirror proxy
  mirror=$(debian_mirror)
  proxy=
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  # A mirror that stumbles once is tried again: what is there already is not fetched anew.
  run_debootstrap || run_debootstrap || {
    tail -n 20 "$place.log" >&2
    rm -f "$place.log"
    die "debootstrap failed"
  }
  rm -f "$place.log"
}

# Of make_debian_root, whose variables it uses.
run_debootstrap() {
  # shellcheck disable=SC2086,SC2154 # no mirror means debootstrap's default, not an empty argument
  http_proxy=${proxy:-${http_proxy:-}} debootstrap --variant=minbase --include=ca-certificates \
    "$suite" "$place" $mirror >"$place.log" 2>&1
}

# Mounts what a system has besides its files in the root $1.
mount_system() {
  mount -t proc proc "$1/proc"
  mount --rbind /sys "$1/sys"
  mount --rbind /dev "$1/dev"
}

# What the host needs in order to reach its mirrors, the root $1 needs too.
copy_apt_settings() {
  local place=$1 file
  cp --dereference /etc/resolv.conf /etc/hosts "$place/etc/"
  apt-config dump | grep -E '^Acquire::(http|https|Retries|Check-)' \
    >"$place/etc/apt/apt.conf.d/90host" || true
  for file in /etc/apt/auth.conf /etc/apt/auth.conf.d/*; do
    [[ -f $file ]] && cp "$file" "$place${file%/*}/"
  done
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    mkdir -p "$place/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$place/usr/local/share/ca-certificates/"
    in_debian_root "$place" update-ca-certificates >/dev/null 2>&1
  fi
}

# What this machine's mirrors let in does not stay in a root that is kept.
forget_apt_settings() {
  rm -rf "$1"/etc/apt/auth.conf* "$1/etc/apt/apt.conf.d/90host"
}

# Runs a command in the root $1, with the environment of a new login.
in_debian_root() {
  local place=$1
  shift
  env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" ${CI:+"CI=$CI"} \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
    ${no_proxy:+"no_proxy=$no_proxy"} \
    chroot "$place" "$@"
}
