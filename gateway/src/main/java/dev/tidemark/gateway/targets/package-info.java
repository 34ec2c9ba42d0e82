/**
 * The disks as iSCSI targets: names, logical units and their identifiers, who may use them, and
 * where reservations are kept. Knows the iSCSI module's interface and the gateway's disks.
 */
@NullMarked
package dev.tidemark.gateway.targets;

import org.jspecify.annotations.NullMarked;
