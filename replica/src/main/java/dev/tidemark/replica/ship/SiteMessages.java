package dev.tidemark.replica.ship;

import dev.tidemark.replica.GroupRole;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Role;
import dev.tidemark.replica.link.LinkException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What sites ask each other about a group: which of them it belongs to. */
public final class SiteMessages {
    /** How a group stands: a {@link Question}, answered with {@link News}. */
    public static final int METHOD_STATE = 2;

    /**
     * A newer tenure is in force or about to be: a {@link Question}, answered with the last number.
     */
    public static final int METHOD_FENCE = 3;

    /** Delete the asking site's copy: a {@link Question}, answered with nothing once it is gone. */
    public static final int METHOD_DELETE = 6;

    /** The group is no copy of the asking site's, and stays. */
    public static final int CODE_NOT_YOURS = 105;

    private SiteMessages() {}

    private interface Reader<T> {
        T read() throws MalformedMessageException;
    }

    private static <T> T reading(Reader<T> reader) throws LinkException {
        try {
            return reader.read();
        } catch (MalformedMessageException malformed) {
            throw LinkException.refusal(
                    LinkException.CODE_MALFORMED, String.valueOf(malformed.getMessage()));
        }
    }

    private static int tenure(ByteBuf body) throws MalformedMessageException {
        int tenure = body.readIntLE();
        if (tenure < 0 || tenure > Role.BELIEVED_TENURE) {
            throw new MalformedMessageException("tenure " + tenure);
        }
        return tenure;
    }

    /**
     * About a group: {@code group 16 | tenure u32}.
     *
     * @param tenure that the asking site speaks of
     */
    public record Question(UUID group, int tenure) {
        public ByteBuf encode() {
            ByteBuf body = Unpooled.buffer(20);
            Bytes.writeUuid(body, group);
            return body.writeIntLE(tenure);
        }

        public static Question decode(ByteBuf body) throws LinkException {
            return reading(() -> {
                Bytes.require(body, 20);
                return new Question(Bytes.readUuid(body), SiteMessages.tenure(body));
            });
        }
    }

    /**
     * How a group stands at a site: {@code role u8 | tenure u32 | head u64 | taking u8 | has source
     * u8 | source 16}.
     *
     * @param head newest number there
     * @param taking whether that site is about to take it over
     * @param source the site that a copy follows
     */
    public record News(
            GroupRole role, int tenure, long head, boolean taking, @Nullable UUID source) {
        public ByteBuf encode() {
            ByteBuf body = Unpooled.buffer(31);
            body.writeByte(role.code()).writeIntLE(tenure).writeLongLE(head);
            body.writeBoolean(taking).writeBoolean(source != null);
            if (source != null) {
                Bytes.writeUuid(body, source);
            }
            return body;
        }

        public static News decode(ByteBuf body) throws LinkException {
            return reading(() -> {
                Bytes.require(body, 15);
                GroupRole role = roleOf(body.readByte());
                int tenure = SiteMessages.tenure(body);
                long head = body.readLongLE();
                boolean taking = body.readBoolean();
                UUID source = body.readBoolean() ? Bytes.readUuid(body) : null;
                return new News(role, tenure, head, taking, source);
            });
        }
    }

    private static GroupRole roleOf(int code) throws MalformedMessageException {
        try {
            return GroupRole.ofCode(code);
        } catch (ReplicaException unknown) {
            throw new MalformedMessageException(String.valueOf(unknown.getMessage()));
        }
    }
}
