package dev.tidemark.journal;

/**
 * Shape of a {@link RecordLog}.
 *
 * @param kind what the segment files are called and say in their headers
 * @param unitBytes size of a segment, 1 MiB to 1 GiB, a multiple of 4096; no record is longer than
 *     what a segment holds
 * @param preallocate allocate a segment's blocks and make the next one ahead of need
 * @param batchBytes staged bytes at which {@code stage} writes without waiting for {@code submit}
 * @param batchRecords staged records at which it does
 */
public record RecordLogOptions(
        SegmentKind kind, int unitBytes, boolean preallocate, int batchBytes, int batchRecords) {
    public static final int MINIMUM_UNIT_BYTES = 1 << 20;
    public static final int DEFAULT_UNIT_BYTES = 64 << 20;
    public static final int MAXIMUM_UNIT_BYTES = 1 << 30;

    public RecordLogOptions {
        if (unitBytes < MINIMUM_UNIT_BYTES
                || unitBytes > MAXIMUM_UNIT_BYTES
                || unitBytes % 4096 != 0) {
            throw new IllegalArgumentException(
                    "storage unit of "
                            + unitBytes
                            + " bytes is not a multiple of 4096 between "
                            + MINIMUM_UNIT_BYTES
                            + " and "
                            + MAXIMUM_UNIT_BYTES);
        }
    }

    static RecordLogOptions redo(int unitBytes) {
        return new RecordLogOptions(SegmentKind.REDO, unitBytes, true, 1 << 20, 256);
    }

    /** A test's private writes: segments grow as they are written. */
    public static RecordLogOptions writeLog(int unitBytes) {
        return new RecordLogOptions(SegmentKind.WRITE_LOG, unitBytes, false, 1 << 20, 256);
    }
}
