/** Models and contract tests of block devices, for the tests of every module. */
@NullMarked
package dev.tidemark.blockdevice.model;

import org.jspecify.annotations.NullMarked;
