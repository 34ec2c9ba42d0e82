# shellcheck shell=bash
# Builds one module with its tests, for programs among them. Needs scripts/install.sh and what that
# needs.
#
# shellcheck disable=SC2034,SC2154 # set where this is sourced, and used there

# Builds module $1 and what it needs, in $root; sets classpath to its classes, its tests and all
# that they need, and JAVA_HOME to the JDK to run them with.
build_test_classpath() {
  ensure_tools "${tools_build[@]}"
  cd "$root" || return
  export JAVA_HOME=$jdk_home
  export MAVEN_OPTS="${MAVEN_OPTS:-} --sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED"
  # The file is written for each module in turn; the one asked for is built last.
  mvn -B -ntp -q package dependency:build-classpath -DskipTests -pl "$1" -am \
    -Dmdep.includeScope=test -Dmdep.outputFile="$root/target/test.classpath"
  classpath=$1/target/test-classes:$1/target/classes:$(<target/test.classpath)
}
