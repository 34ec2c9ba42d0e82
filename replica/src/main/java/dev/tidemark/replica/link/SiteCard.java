package dev.tidemark.replica.link;

import java.util.List;
import java.util.UUID;

/**
 * What two sites exchange at pairing.
 *
 * @param authority DER of the certificate of the site's authority, not changed by anybody
 * @param addresses {@code host:port}, at most 16; none when the site cannot be dialled
 */
@SuppressWarnings("ArrayRecordComponent") // opaque bytes; never compared
public record SiteCard(UUID site, String name, byte[] authority, List<String> addresses) {
    static final int MAXIMUM_ADDRESSES = 16;

    static final int MAXIMUM_ADDRESS_CHARACTERS = 255;

    public SiteCard {
        addresses = List.copyOf(addresses);
        if (addresses.size() > MAXIMUM_ADDRESSES) {
            throw new IllegalArgumentException(
                    addresses.size() + " addresses exceed maximum " + MAXIMUM_ADDRESSES);
        }
    }
}
