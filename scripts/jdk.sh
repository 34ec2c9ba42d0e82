# shellcheck shell=bash
# Finds a JDK that can build and run Tidemark, without starting one: reading a JDK's "release" file
# takes microseconds, asking "java -version" a tenth of a second.
#
# shellcheck disable=SC2034 # used where this is sourced

readonly jdk_minimum=25
readonly jdk_package=openjdk-25-jdk-headless

# Prints the major version of the JDK in directory $1; fails when there is no compiler in it.
jdk_major() {
  local line
  [[ -x $1/bin/java && -x $1/bin/javac && -r $1/release ]] || return 1
  while read -r line; do
    if [[ $line =~ ^JAVA_VERSION=\"?([0-9]+) ]]; then
      printf '%s\n' "${BASH_REMATCH[1]}"
      return 0
    fi
  done <"$1/release"
  return 1
}

# Sets jdk_home to the first JDK that is new enough: what the user chose, then the PATH, then the
# places where packages and SDKMAN put them.
find_jdk() {
  local candidate major javac
  local -a candidates=()
  [[ -n ${JAVA_HOME:-} ]] && candidates+=("$JAVA_HOME")
  if javac=$(command -v javac); then
    javac=$(readlink -f "$javac")
    candidates+=("${javac%/bin/javac}")
  fi
  candidates+=(/usr/lib/jvm/* "${SDKMAN_DIR:-${HOME:-/nonexistent}/.sdkman}"/candidates/java/* /opt/*jdk*)
  for candidate in "${candidates[@]}"; do
    if major=$(jdk_major "$candidate") && ((major >= jdk_minimum)); then
      jdk_home=$candidate
      return 0
    fi
  done
  return 1
}

# Says on stderr how to get a JDK on a system whose packages have none.
explain_missing_jdk() {
  local architecture=x64
  [[ $(uname -m) == aarch64 ]] && architecture=aarch64
  say "no JDK $jdk_minimum found in JAVA_HOME, PATH, /usr/lib/jvm or SDKMAN, and this system packages none."
  say "Get one (any vendor's will do) with:"
  say "  sudo mkdir -p /usr/lib/jvm"
  say "  curl -fsSL https://api.adoptium.net/v3/binary/latest/$jdk_minimum/ga/linux/$architecture/jdk/hotspot/normal/eclipse | sudo tar -xz -C /usr/lib/jvm"
  say "or, with SDKMAN: sdk install java $jdk_minimum-tem"
}
