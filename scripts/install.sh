# shellcheck shell=bash
# Finds out which tools are missing, and installs them from Debian's packages where that is allowed.
# The sourcing script sets "program", its name in messages, and sources jdk.sh too. Nothing here
# writes to stdout.
#
# shellcheck disable=SC2154 # set where this is sourced

say() {
  printf '%s: %s\n' "$program" "$*" >&2
}

die() {
  say "$*"
  exit 1
}

# Whether the need "probe=package" is met. (Python in isolated mode: else a folder of the checkout
# passes for a module of its name.)
has_tool() {
  local probe=${1%%=*} package=${1#*=} directory
  case $probe in
    python:*) /usr/bin/python3 -I -c "import ${probe#python:}" >/dev/null 2>&1 ;;
    dpkg) [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ;;
    *)
      command -v "$probe" >/dev/null && return 0
      for directory in /usr/local/sbin /usr/sbin /sbin; do
        [[ -x $directory/$probe ]] && return 0
      done
      return 1
      ;;
  esac
}

# Sets missing_packages from a list of needs.
find_missing() {
  local need
  missing_packages=()
  for need in "$@"; do
    has_tool "$need" || missing_packages+=("${need#*=}")
  done
}

# Sets as_root to the words that make a command run as root; fails when nothing may be installed.
may_install() {
  as_root=()
  [[ -z ${TIDEMARK_NO_INSTALL:-} ]] || return 1
  command -v apt-get >/dev/null || return 1
  ((EUID == 0)) && return 0
  command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
  as_root=(sudo -n)
}

# Whether apt knows a version of package $1 to install.
is_packaged() {
  local policy
  policy=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null) || return 1
  [[ $policy == *Candidate:* && $policy != *"Candidate: (none)"* ]]
}

# Runs apt-get as root, its output kept for the case that it fails.
apt_get() {
  local log
  log=$(mktemp)
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# Installs packages "$@", or says exactly what to do and exits. Fetches apt's lists only when a
# package is unknown or the lists are too old to download from.
install_packages() {
  local package
  (($# > 0)) || return 0
  may_install || die "missing: $*. Install with: sudo apt-get install -y --no-install-recommends $*"
  say "installing $*"
  for package in "$@"; do
    if ! is_packaged "$package"; then
      apt_get update || say "apt-get update failed, going on with what is known"
      break
    fi
  done
  apt_get install -y --no-install-recommends "$@" && return 0
  apt_get update && apt_get install -y --no-install-recommends "$@" && return 0
  die "could not install: $*. Try: sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
}

# Makes sure that a JDK (jdk_home) and the needs "$@" are there. (Debian's Maven brings Java 21
# along, whatever else is installed; JAVA_HOME decides which one it runs on.)
ensure_tools() {
  find_missing "$@"
  if ! find_jdk; then
    if may_install && ! is_packaged "$jdk_package"; then
      say "updating the list of packages"
      apt_get update || say "apt-get update failed, going on with what is known"
    fi
    if ! is_packaged "$jdk_package"; then
      explain_missing_jdk
      ((${#missing_packages[@]} == 0)) || say "Then install: ${missing_packages[*]}"
      exit 1
    fi
    missing_packages=("$jdk_package" "${missing_packages[@]}")
  fi
  install_packages "${missing_packages[@]}"
  find_jdk || {
    explain_missing_jdk
    exit 1
  }
}
