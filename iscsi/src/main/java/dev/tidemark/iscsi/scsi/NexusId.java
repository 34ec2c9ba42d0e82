package dev.tidemark.iscsi.scsi;

/**
 * An I_T nexus: an initiator port and a target port (RFC 7143 section 4.4.3, SAM-5 section 4.7). It
 * outlives sessions, so that a registration is found again after a login.
 *
 * @param initiator the initiator's iSCSI name
 * @param isid 48 bits, which together with the name identify the initiator port
 * @param target the target's iSCSI name
 * @param portalGroup the target port's portal group tag
 */
public record NexusId(String initiator, long isid, String target, int portalGroup) {
    /** The initiator port's name as SCSI sees it. */
    public String initiatorPort() {
        return "%s,i,0x%012x".formatted(initiator, isid);
    }

    /** The target port's name as SCSI sees it. */
    public String targetPort() {
        return "%s,t,0x%04x".formatted(target, portalGroup);
    }
}
