package dev.tidemark.iscsi.scsi;

/** Sense keys (SPC-4 section 4.5.6). */
final class SenseKey {
    static final int NO_SENSE = 0x0;
    static final int NOT_READY = 0x2;
    static final int MEDIUM_ERROR = 0x3;
    static final int HARDWARE_ERROR = 0x4;
    static final int ILLEGAL_REQUEST = 0x5;
    static final int UNIT_ATTENTION = 0x6;
    static final int DATA_PROTECT = 0x7;
    static final int COPY_ABORTED = 0xa;
    static final int ABORTED_COMMAND = 0xb;
    static final int MISCOMPARE = 0xe;

    private SenseKey() {}
}
