package dev.tidemark.replica.link;

import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Pairs with the site that made a token: dials its addresses one after the other until one answers.
 */
final class PairingClient {
    private final Sockets sockets;
    private final Executor io;
    private final PairingToken token;
    private final SiteCard own;
    private final CompletableFuture<SiteCard> result = new CompletableFuture<>();

    PairingClient(Sockets sockets, Executor io, PairingToken token, SiteCard own) {
        this.sockets = sockets;
        this.io = io;
        this.token = token;
        this.own = own;
    }

    CompletableFuture<SiteCard> start() {
        dial(0, "");
        return result;
    }

    /** Names are looked up where one may wait. */
    private void dial(int index, String before) {
        if (index == token.addresses().size()) {
            result.completeExceptionally(
                    new LinkException(
                            LinkException.Kind.DOWN, "the site cannot be reached: " + before));
            return;
        }
        io.execute(() -> {
            String address = token.addresses().get(index);
            try {
                sockets.connect(Addresses.resolve(address), Tls.pair(), new Conversation(index));
            } catch (SSLException | IllegalArgumentException failure) {
                dial(index + 1, address + ": " + failure.getMessage());
            }
        });
    }

    /** With the site at one address. */
    private final class Conversation implements Greeting.Talk {
        private final int index;
        private byte[] proof = new byte[0];
        private boolean over;

        Conversation(int index) {
            this.index = index;
        }

        @Override
        public void begin(Greeting greeting) throws PeerRefusedException {
            List<X509Certificate> chain = Tls.chain(greeting.tls());
            try {
                X509Certificate authority = chain.getLast();
                if (!Arrays.equals(
                        PairingToken.fingerprint(authority.getEncoded()), token.fingerprint())) {
                    throw notIt();
                }
                X509Certificate leaf = chain.getFirst();
                leaf.verify(authority.getPublicKey());
                leaf.checkValidity();
                var body = PairingMessages.pair(token.secret(), own, leaf.getEncoded());
                proof = new byte[Proofs.PROOF_BYTES];
                body.getBytes(body.writerIndex() - Proofs.PROOF_BYTES, proof);
                greeting.send(FrameType.PAIR, body);
            } catch (GeneralSecurityException | java.util.NoSuchElementException broken) {
                throw notIt();
            }
        }

        private static PeerRefusedException notIt() {
            return new PeerRefusedException(
                    Refusal.UNKNOWN_SITE,
                    "the site there is not the one that made the token: its authority is another");
        }

        @Override
        public void take(Greeting greeting, Frame frame) throws PeerRefusedException {
            if (frame.type() != FrameType.PAIRED) {
                throw new PeerRefusedException(
                        Refusal.MALFORMED, frame.type() + " instead of PAIRED");
            }
            PairingMessages.Paired paired = PairingMessages.readPaired(frame.body());
            byte[] fingerprint = PairingToken.fingerprint(paired.card().authority());
            if (!paired.isProvenBy(token.secret(), proof)
                    || !Arrays.equals(fingerprint, token.fingerprint())) {
                throw new PeerRefusedException(
                        Refusal.INVITATION, "the site there does not prove that it made the token");
            }
            over = true;
            greeting.finish();
            result.complete(paired.card());
        }

        @Override
        public void failed(@Nullable Refusal refusal, String reason) {
            if (over) {
                return;
            }
            over = true;
            if (refusal == null) {
                dial(index + 1, token.addresses().get(index) + ": " + reason);
            } else {
                result.completeExceptionally(new PeerRefusedException(refusal, reason));
            }
        }
    }
}
