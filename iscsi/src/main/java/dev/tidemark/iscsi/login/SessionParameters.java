package dev.tidemark.iscsi.login;

import dev.tidemark.iscsi.target.IscsiLimits;

/**
 * What was negotiated; before that the defaults of RFC 7143 section 13. Changed only during login
 * and by a declared MaxRecvDataSegmentLength, on the event loop.
 */
public final class SessionParameters {
    static final int DEFAULT_SEGMENT_BYTES = 8192;
    private static final int DEFAULT_FIRST_BURST_BYTES = 65_536;
    private static final int DEFAULT_MAXIMUM_BURST_BYTES = 262_144;

    boolean headerDigest;
    boolean dataDigest;
    boolean initialR2t = true;
    boolean immediateData = true;
    int sendSegmentBytes = DEFAULT_SEGMENT_BYTES;
    int firstBurstBytes;
    int maximumBurstBytes;
    int outstandingR2ts = 1;

    SessionParameters(IscsiLimits limits) {
        maximumBurstBytes = Math.min(DEFAULT_MAXIMUM_BURST_BYTES, limits.maximumBurstBytes());
        firstBurstBytes = Math.min(DEFAULT_FIRST_BURST_BYTES, maximumBurstBytes);
    }

    public boolean headerDigest() {
        return headerDigest;
    }

    public boolean dataDigest() {
        return dataDigest;
    }

    /** No unsolicited data PDUs after a command. */
    public boolean initialR2t() {
        return initialR2t;
    }

    /** A command may carry data itself. */
    public boolean immediateData() {
        return immediateData;
    }

    /** Longest data segment that the initiator takes. */
    public int sendSegmentBytes() {
        return sendSegmentBytes;
    }

    public int firstBurstBytes() {
        return firstBurstBytes;
    }

    public int maximumBurstBytes() {
        return maximumBurstBytes;
    }

    public int outstandingR2ts() {
        return outstandingR2ts;
    }
}
