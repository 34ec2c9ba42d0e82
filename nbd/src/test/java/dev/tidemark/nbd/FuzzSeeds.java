package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** Inputs for {@link FuzzTarget} that reach every part of the protocol: where a fuzzer starts. */
final class FuzzSeeds {
    private final Map<String, byte[]> seeds = new LinkedHashMap<>();

    private FuzzSeeds() {
        add("list", options(option(Handshake.OPTION_LIST)));
        add("abort", options(option(Handshake.OPTION_ABORT, 1, 2, 3)));
        add("unknown-option", options(option(4711, 1, 2, 3), option(Handshake.OPTION_LIST)));
        add("info", options(option(Handshake.OPTION_INFO, information(0, 1, 2, 3)), go()));
        add(
                "export-name",
                options(option(Handshake.OPTION_EXPORT_NAME, name())),
                request(0, 0, false));
        for (NbdCommand command : NbdCommand.values()) {
            for (int flag = 0; flag <= CommandFlags.PAYLOAD_LEN; flag = Math.max(1, flag * 2)) {
                int code = command.code();
                add(command + "-" + flag, options(go()), request(flag, code, false));
                add(
                        "structured-" + command + "-" + flag,
                        options(option(Handshake.OPTION_STRUCTURED_REPLY), select(), go()),
                        request(flag, code, false));
                add(
                        "extended-" + command + "-" + flag,
                        options(option(Handshake.OPTION_EXTENDED_HEADERS), select(), go()),
                        request(flag, code, true));
            }
        }
        add("contexts", options(option(Handshake.OPTION_STRUCTURED_REPLY), list(), select()));
        add(
                "filter",
                options(option(Handshake.OPTION_EXTENDED_HEADERS), list(), select(), go()),
                RawClient.extended(CommandFlags.PAYLOAD_LEN, 7, 1, 0, 16).array(),
                new byte[] {0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 1, 0, 0, 0, 2});
    }

    /** All inputs, by name. */
    static Map<String, byte[]> all() {
        return new FuzzSeeds().seeds;
    }

    static byte[] named(String name) {
        return Objects.requireNonNull(all().get(name), name);
    }

    /** Puts the inputs into a folder, one file each. */
    static void write(Path folder) throws IOException {
        Files.createDirectories(folder);
        for (Map.Entry<String, byte[]> seed : all().entrySet()) {
            Files.write(folder.resolve(seed.getKey()), seed.getValue());
        }
    }

    private void add(String name, byte[]... parts) {
        ByteBuf whole = Unpooled.buffer();
        whole.writeByte(3).writeByte(4).writeByte(10).writeByte(7);
        for (byte[] part : parts) {
            whole.writeBytes(part);
        }
        seeds.put(name, ByteBufUtil.getBytes(whole));
    }

    private static byte[] options(byte[]... options) {
        ByteBuf bytes = Unpooled.buffer().writeInt(Handshake.KNOWN_FLAGS);
        for (byte[] option : options) {
            bytes.writeBytes(option);
        }
        return ByteBufUtil.getBytes(bytes);
    }

    private static byte[] option(int option, int... payload) {
        byte[] bytes = new byte[payload.length];
        for (int i = 0; i < payload.length; i++) {
            bytes[i] = (byte) payload[i];
        }
        return option(option, bytes);
    }

    private static byte[] option(int option, byte[] payload) {
        return ByteBufUtil.getBytes(
                Unpooled.buffer()
                        .writeLong(Handshake.OPTION_MAGIC)
                        .writeInt(option)
                        .writeInt(payload.length)
                        .writeBytes(payload));
    }

    private static byte[] name() {
        return FuzzTarget.EXPORT.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] information(int... requests) {
        return RawClient.information(FuzzTarget.EXPORT, requests);
    }

    private static byte[] go() {
        return option(Handshake.OPTION_GO, information());
    }

    private static byte[] select() {
        return option(
                Handshake.OPTION_SET_META_CONTEXT,
                RawClient.queries(FuzzTarget.EXPORT, SelectedContext.ALLOCATION, FuzzTarget.WIDE));
    }

    private static byte[] list() {
        return option(
                Handshake.OPTION_LIST_META_CONTEXT,
                RawClient.queries(FuzzTarget.EXPORT, "base:", FuzzTarget.WIDE));
    }

    /** Three requests of a kind, each with a payload when the kind has one, and an end. */
    private static byte[] request(int flags, int type, boolean extended) {
        ByteBuf bytes = Unpooled.buffer();
        for (int cookie = 0; cookie < 3; cookie++) {
            int length = cookie * 700;
            long offset = 4096L * cookie;
            bytes.writeBytes(
                    extended
                            ? RawClient.extended(flags, type, cookie, offset, length)
                            : RawClient.request(flags, type, cookie, offset, length));
            boolean payload =
                    type == NbdCommand.WRITE.code()
                            || (extended && (flags & CommandFlags.PAYLOAD_LEN) != 0);
            if (payload) {
                bytes.writeZero(length);
            }
        }
        int end = NbdCommand.DISCONNECT.code();
        bytes.writeBytes(
                extended
                        ? RawClient.extended(0, end, 9, 0, 0)
                        : RawClient.request(0, end, 9, 0, 0));
        return ByteBufUtil.getBytes(bytes);
    }
}
