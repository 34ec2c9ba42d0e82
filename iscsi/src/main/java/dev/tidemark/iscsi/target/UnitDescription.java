package dev.tidemark.iscsi.target;

/**
 * What a logical unit says of itself; stable for a volume, another one for each test of it.
 *
 * @param identifier at most 60 bits, unique among all units of all targets: goes into the NAA
 *     designator (SPC-4 7.8.6.6)
 * @param serial unit serial number, 1 to {@value #MAXIMUM_SERIAL} printable characters
 * @param product product identification, 1 to {@value #MAXIMUM_PRODUCT} printable characters
 * @param blockBytes logical block, 512 (with 4096 physical) or 4096
 * @param removable the medium can be taken out (RMB)
 */
public record UnitDescription(
        long identifier, String serial, String product, int blockBytes, boolean removable) {
    private static final int MAXIMUM_SERIAL = 32;
    private static final int MAXIMUM_PRODUCT = 16;

    /** Checks the ranges. */
    public UnitDescription {
        if (identifier >>> 60 != 0) {
            throw new IllegalArgumentException(
                    "identifier %x has more than 60 bits".formatted(identifier));
        }
        requirePrintable("serial", serial, MAXIMUM_SERIAL);
        requirePrintable("product", product, MAXIMUM_PRODUCT);
        if (blockBytes != 512 && blockBytes != 4096) {
            throw new IllegalArgumentException(
                    "block size %d is neither 512 nor 4096".formatted(blockBytes));
        }
    }

    private static void requirePrintable(String what, String text, int maximum) {
        boolean printable = text.chars().allMatch(c -> c >= 0x20 && c < 0x7f);
        if (text.isEmpty() || text.length() > maximum || !printable) {
            throw new IllegalArgumentException(
                    "%s \"%s\" is not 1 to %d printable characters".formatted(what, text, maximum));
        }
    }
}
