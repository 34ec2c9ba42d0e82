package dev.tidemark.iscsi.scsi;

/**
 * Something that happened to a unit, told to a session with its next command (SAM-5 section 5.14).
 */
enum UnitAttention {
    POWER_ON(0x2900),
    BUS_RESET(0x2902),
    DEVICE_RESET(0x2903),
    NEXUS_LOSS(0x2907),
    MODE_CHANGED(0x2a01),
    RESERVATIONS_PREEMPTED(0x2a03),
    RESERVATIONS_RELEASED(0x2a04),
    REGISTRATIONS_PREEMPTED(0x2a05),
    CAPACITY_CHANGED(0x2a09),
    COMMANDS_CLEARED(0x2f00),
    MEDIUM_CHANGED(0x2800),
    /** THIN PROVISIONING SOFT THRESHOLD REACHED. */
    THRESHOLD_REACHED(0x3807),
    LUNS_CHANGED(0x3f0e);

    private final int code;

    UnitAttention(int code) {
        this.code = code;
    }

    ScsiError error() {
        return ScsiError.check(SenseKey.UNIT_ATTENTION, code);
    }
}
