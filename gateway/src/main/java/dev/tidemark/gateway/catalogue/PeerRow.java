package dev.tidemark.gateway.catalogue;

import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * A site that this one is paired with.
 *
 * @param name what it is called here
 * @param calls what it calls itself
 * @param authority DER of its authority's certificate
 * @param addresses {@code host:port} each; empty when it has to dial
 * @param confirmed whether both sides are known to have written the pairing down
 * @param refused nothing of it is accepted until it is paired again
 * @param revoked serial numbers in hexadecimal of certificates that are not accepted
 */
@SuppressWarnings("ArrayRecordComponent") // opaque bytes; never compared
public record PeerRow(
        UUID id,
        String name,
        String calls,
        byte[] authority,
        List<String> addresses,
        long pairedMicros,
        boolean confirmed,
        boolean refused,
        Set<String> revoked) {
    public PeerRow {
        addresses = List.copyOf(addresses);
        revoked = Set.copyOf(revoked);
    }
}
