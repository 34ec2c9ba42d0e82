package dev.tidemark.gateway.text;

import java.util.Locale;

/**
 * What disks are called as iSCSI targets: the prefix, and behind it the export's name in lower case
 * with {@code .at.} for the {@code @} of a point. {@code group.<name>} is all volumes of a group,
 * {@code test.<id>} all disks of a test.
 */
public final class TargetName {
    /** A name of type iqn.: year and month, domain, and then ours (RFC 7143 §4.2.7.4). */
    public static final String PREFIX = "iqn.2026-11.dev.tidemark:";

    /** Between a disk and a point of it. */
    public static final String AT = ".at.";

    /** Before a group's name. */
    public static final String GROUP = "group.";

    /** Before a test's number. */
    public static final String TEST = "test.";

    private TargetName() {}

    /** The target of an export: {@code disk}, {@code disk@point} or {@code test.7.disk}. */
    public static String of(String export) {
        int at = export.indexOf('@');
        String local = at < 0 ? export : export.substring(0, at) + AT + export.substring(at + 1);
        return PREFIX + local.toLowerCase(Locale.ROOT);
    }

    /** The target of all volumes of a group. */
    public static String ofGroup(String group) {
        return of(GROUP + group);
    }

    /** The target of all disks of a test. */
    public static String ofTest(long test) {
        return of(TEST + test);
    }
}
