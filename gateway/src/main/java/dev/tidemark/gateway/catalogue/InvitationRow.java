package dev.tidemark.gateway.catalogue;

/** A pairing that somebody may still make; gone when it is used or over. */
@SuppressWarnings("ArrayRecordComponent") // opaque bytes; never compared
public record InvitationRow(long secretId, byte[] secret, long expiresMicros) {
    /** Says nothing of the secret. */
    @Override
    public String toString() {
        return "invitation until " + expiresMicros;
    }
}
