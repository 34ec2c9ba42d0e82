package dev.tidemark.iscsi.scsi;

/**
 * A command that is served.
 *
 * @param operation its operation code
 * @param serviceAction -1 when it has none
 * @param usage which bits of the CDB are looked at (SPC-4 section 6.35.3); its length is the CDB's
 * @param access what persistent reservations have to say
 * @param allowedUnderReserve it is served while another session has the unit reserved by RESERVE
 * @param needsMedium it is refused without a medium at work
 * @param handler checks it and makes it ready
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record CommandSpec(
        int operation,
        int serviceAction,
        byte[] usage,
        Access access,
        boolean allowedUnderReserve,
        boolean needsMedium,
        Handler handler) {

    /** Checks a command and makes it ready. */
    @FunctionalInterface
    interface Handler {
        Prepared prepare(UnitHandle unit, Cdb cdb) throws ScsiError;
    }

    /** Key of a table: operation code and service action. */
    static int key(int operation, int serviceAction) {
        return operation << 8 | (serviceAction & 0xff);
    }

    int key() {
        return key(operation, serviceAction);
    }
}
