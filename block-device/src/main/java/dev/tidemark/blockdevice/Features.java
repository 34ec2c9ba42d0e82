package dev.tidemark.blockdevice;

/**
 * What a device offers.
 *
 * @param readOnly writes fail with {@link ErrorCode#READ_ONLY}
 * @param sharedHandles several handles of this disk see each other's completed writes, and a flush
 *     on one covers all
 * @param rotational the storage below seeks slowly
 */
public record Features(boolean readOnly, boolean sharedHandles, boolean rotational) {
    public static final Features LIVE = new Features(false, true, false);
    public static final Features READ_ONLY = new Features(true, true, false);
}
