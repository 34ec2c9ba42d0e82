package dev.tidemark.replica.link;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * PAIR and PAIRED: cards with a proof of the invitation's secret, see {@code
 * docs/internals/link-protocol.md}, "Pairing".
 */
final class PairingMessages {
    private static final int MAXIMUM_AUTHORITY_BYTES = 16 << 10;

    private PairingMessages() {}

    /** What PAIR says. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Pair(long secretId, SiteCard card, byte[] signed, byte[] proof) {
        /**
         * Whether who sent it knows the secret and has talked to the site with this certificate.
         */
        boolean isProvenBy(byte[] secret, byte[] acceptingCertificate) {
            return Proofs.equal(proof, Proofs.proof(secret, signed, acceptingCertificate));
        }
    }

    /** What PAIRED says. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Paired(SiteCard card, byte[] signed, byte[] proof) {
        boolean isProvenBy(byte[] secret, byte[] proofOfPair) {
            return Proofs.equal(proof, Proofs.proof(secret, signed, proofOfPair));
        }
    }

    static ByteBuf pair(byte[] secret, SiteCard card, byte[] acceptingCertificate) {
        ByteBuf body = Unpooled.buffer().writeLongLE(PairingToken.secretId(secret));
        write(body, card);
        byte[] signed = ByteBufUtil.getBytes(body);
        return body.writeBytes(Proofs.proof(secret, signed, acceptingCertificate));
    }

    static ByteBuf paired(byte[] secret, SiteCard card, byte[] proofOfPair) {
        ByteBuf body = Unpooled.buffer();
        write(body, card);
        byte[] signed = ByteBufUtil.getBytes(body);
        return body.writeBytes(Proofs.proof(secret, signed, proofOfPair));
    }

    static Pair readPair(ByteBuf body) throws PeerRefusedException {
        return read(() -> {
            byte[] signed = signed(body);
            long secretId = body.readLongLE();
            return new Pair(secretId, card(body), signed, proof(body));
        });
    }

    static Paired readPaired(ByteBuf body) throws PeerRefusedException {
        return read(() -> {
            byte[] signed = signed(body);
            return new Paired(card(body), signed, proof(body));
        });
    }

    private interface Reading<T> {
        T run() throws PeerRefusedException;
    }

    private static <T> T read(Reading<T> reading) throws PeerRefusedException {
        try {
            return reading.run();
        } catch (IndexOutOfBoundsException cut) {
            throw malformed("it is cut short");
        }
    }

    private static PeerRefusedException malformed(String why) {
        return new PeerRefusedException(Refusal.MALFORMED, "the pairing's message: " + why);
    }

    private static byte[] signed(ByteBuf body) {
        int length = body.readableBytes() - Proofs.PROOF_BYTES;
        return ByteBufUtil.getBytes(body, body.readerIndex(), Math.max(0, length));
    }

    private static byte[] proof(ByteBuf body) throws PeerRefusedException {
        if (body.readableBytes() != Proofs.PROOF_BYTES) {
            throw malformed("its proof has " + body.readableBytes() + " bytes");
        }
        return ByteBufUtil.getBytes(body);
    }

    private static void write(ByteBuf body, SiteCard card) {
        Fields.writeId(body, card.site());
        Texts.write(body, card.name());
        body.writeIntLE(card.authority().length).writeBytes(card.authority());
        body.writeByte(card.addresses().size());
        card.addresses().forEach(address -> Texts.write(body, address));
    }

    private static SiteCard card(ByteBuf body) throws PeerRefusedException {
        UUID site = Fields.readId(body);
        String name = Texts.read(body);
        int length = body.readIntLE();
        if (length < 1 || length > MAXIMUM_AUTHORITY_BYTES) {
            throw malformed("a certificate of " + length + " bytes");
        }
        byte[] authority = new byte[length];
        body.readBytes(authority);
        int count = body.readUnsignedByte();
        if (count > SiteCard.MAXIMUM_ADDRESSES) {
            throw malformed(count + " addresses");
        }
        List<String> addresses = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String address = Texts.read(body);
            if (address.getBytes(StandardCharsets.UTF_8).length
                    > SiteCard.MAXIMUM_ADDRESS_CHARACTERS) {
                throw malformed("an address of " + address.length() + " characters");
            }
            addresses.add(address);
        }
        return new SiteCard(site, name, authority, addresses);
    }
}
