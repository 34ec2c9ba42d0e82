package dev.tidemark.iscsi.target;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the two sides prove who they are, with CHAP (RFC 7143 §12.1, RFC 1994).
 *
 * @param initiators whom the target lets in; empty when it asks nobody
 * @param target what the target answers an initiator that wants proof as well (mutual CHAP); null
 *     when it cannot
 */
public record Authentication(List<ChapCredentials> initiators, @Nullable ChapCredentials target) {

    /** Nobody is asked. */
    public static final Authentication NONE = new Authentication(List.of(), null);

    /** RFC 7143 §9.2.1: the two sides' secrets must differ, or an answer could be reflected. */
    public Authentication {
        initiators = List.copyOf(initiators);
        ChapCredentials own = target;
        if (own != null && initiators.stream().anyMatch(own::sameSecret)) {
            throw new IllegalArgumentException(
                    "the target's CHAP secret is also an initiator's; choose another");
        }
    }

    /** Whether an initiator has to prove who it is. */
    public boolean required() {
        return !initiators.isEmpty();
    }
}
