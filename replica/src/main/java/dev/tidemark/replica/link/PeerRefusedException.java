package dev.tidemark.replica.link;

import java.security.cert.CertificateException;

/** Why a peer's certificate or HELLO is not accepted. The message is told to the peer. */
public final class PeerRefusedException extends CertificateException {
    private static final long serialVersionUID = 1;

    private final Refusal refusal;

    public PeerRefusedException(Refusal refusal, String message) {
        super(message);
        this.refusal = refusal;
    }

    public Refusal refusal() {
        return refusal;
    }
}
