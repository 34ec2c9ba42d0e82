package dev.tidemark.gateway.service;

import dev.tidemark.gateway.text.TargetName;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** The addresses under which exports can be opened, known once the servers listen. Thread-safe. */
public final class Uris {
    /** RFC 3986 §2.2, §2.3, §3.3: what stands for itself in a path, besides letters and digits. */
    private static final String PATH_CHARACTERS = "-._~!$&'()*+,;=:@/";

    /**
     * The same for a query's value: no separator of queries, no plus, which some read as a space.
     */
    private static final String VALUE_CHARACTERS = "-._~!$'()*,;:@/";

    /**
     * An address of a server: what comes before and after an export's name (NBD's uri.md,
     * libiscsi's URLs).
     *
     * @param naming what the server calls an export
     */
    public record Base(String prefix, String suffix, UnaryOperator<String> naming) {
        /**
         * A TCP port.
         *
         * @param authority host and port, an IPv6 address in brackets
         */
        public static Base tcp(boolean tls, String authority) {
            return new Base(
                    (tls ? "nbds://" : "nbd://") + authority + "/", "", UnaryOperator.identity());
        }

        /** An iSCSI portal; disks are unit 0 of a target of their own. */
        public static Base iscsi(String authority) {
            return new Base("iscsi://" + authority + "/", "/0", TargetName::of);
        }

        /** A unix socket. */
        public static Base unix(boolean tls, Path socket) {
            return new Base(
                    tls ? "nbds+unix:///" : "nbd+unix:///",
                    "?socket=" + encode(socket.toString(), VALUE_CHARACTERS),
                    UnaryOperator.identity());
        }

        /** The URI of an export. */
        public String of(String export) {
            return prefix + encode(naming.apply(export), PATH_CHARACTERS) + suffix;
        }
    }

    private volatile List<Base> bases = List.of();

    public void listening(List<Base> addresses) {
        bases = List.copyOf(addresses);
    }

    public List<String> of(String export) {
        List<String> uris = new ArrayList<>();
        bases.forEach(base -> uris.add(base.of(export)));
        return uris;
    }

    private static String encode(String text, String kept) {
        StringBuilder encoded = new StringBuilder(text.length());
        for (byte unit : text.getBytes(StandardCharsets.UTF_8)) {
            char character = (char) (unit & 0xff);
            boolean plain =
                    (character >= 'a' && character <= 'z')
                            || (character >= 'A' && character <= 'Z')
                            || (character >= '0' && character <= '9')
                            || kept.indexOf(character) >= 0;
            encoded.append(plain ? String.valueOf(character) : "%%%02X".formatted((int) character));
        }
        return encoded.toString();
    }
}
