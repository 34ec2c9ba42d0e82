/** Tests of the iSCSI target. */
@NullMarked
package dev.tidemark.iscsi;

import org.jspecify.annotations.NullMarked;
