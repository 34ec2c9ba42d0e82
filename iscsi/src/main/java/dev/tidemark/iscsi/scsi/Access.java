package dev.tidemark.iscsi.scsi;

/** What a command does, as far as persistent reservations care (SPC-4 table 48, SBC-3 table 13). */
enum Access {
    /** Whatever is reserved. */
    ALWAYS,
    /** It only reads the medium. */
    READ,
    /** It changes something. */
    WRITE
}
