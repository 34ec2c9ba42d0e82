package dev.tidemark.iscsi.target;

/** What an iSCSI name looks like (RFC 7143 §4.2.7, RFC 3722). */
public final class IscsiNames {
    /** Longest name. */
    public static final int MAXIMUM_BYTES = 223;

    private static final int PREFIX = 4;

    private IscsiNames() {}

    /** Whether this is an iqn, eui or naa name of permitted characters and length. */
    public static boolean valid(String name) {
        boolean known =
                name.regionMatches(true, 0, "iqn.", 0, PREFIX)
                        || name.regionMatches(true, 0, "eui.", 0, PREFIX)
                        || name.regionMatches(true, 0, "naa.", 0, PREFIX);
        return known
                && name.length() > PREFIX
                && name.length() <= MAXIMUM_BYTES
                && name.chars().allMatch(IscsiNames::permitted);
    }

    private static boolean permitted(int character) {
        return (character >= 'a' && character <= 'z')
                || (character >= 'A' && character <= 'Z')
                || (character >= '0' && character <= '9')
                || character == '-'
                || character == '.'
                || character == ':'
                || character == '_';
    }
}
