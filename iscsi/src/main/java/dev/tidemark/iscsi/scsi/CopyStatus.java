package dev.tidemark.iscsi.scsi;

/**
 * What became of a session's last EXTENDED COPY to a unit.
 *
 * @param listIdentifier -1 when there was none
 * @param failed it ended with an error
 * @param segments segments carried out
 */
record CopyStatus(int listIdentifier, boolean failed, int segments) {
    static final CopyStatus NONE = new CopyStatus(-1, false, 0);
}
