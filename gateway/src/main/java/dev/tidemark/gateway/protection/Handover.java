package dev.tidemark.gateway.protection;

import dev.tidemark.replica.link.Fields;
import dev.tidemark.replica.link.LinkException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.UUID;

/**
 * Asks a peer to take a group over, which it answers with how the group stands then: {@code group
 * 16 | last u64 | after u64 | policy text}.
 *
 * @param last the giving site's last number, which the copy must have
 * @param policy what happens by itself after the takeover
 */
record Handover(UUID group, long last, Policy policy) {
    static final int METHOD = 5;

    ByteBuf encode() {
        ByteBuf body = Unpooled.buffer(64);
        Fields.writeId(body, group);
        body.writeLongLE(last).writeLongLE(policy.afterMillis());
        Fields.writeText(body, policy.action());
        return body;
    }

    static Handover decode(ByteBuf body) throws LinkException {
        try {
            UUID group = Fields.readId(body);
            long last = body.readLongLE();
            long afterMillis = body.readLongLE();
            return new Handover(group, last, Policy.ofPeer(Fields.readText(body), afterMillis));
        } catch (IndexOutOfBoundsException cut) {
            throw LinkException.refusal(LinkException.CODE_MALFORMED, "a handover is cut short");
        }
    }
}
