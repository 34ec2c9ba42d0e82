package dev.tidemark.iscsi;

import dev.tidemark.iscsi.pdu.Crc32c;
import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.scsi.CommandSamples;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** Inputs for {@link FuzzTarget} that reach every part of the protocol: where a fuzzer starts. */
final class FuzzSeeds {
    private static final int READ = 0x40;
    private static final int WRITE = 0x20;

    private final Map<String, byte[]> seeds = new LinkedHashMap<>();

    private FuzzSeeds() {
        logins();
        texts();
        session();
        writes();
        management();
        digests();
        commands();
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

    /** Three cuts: within the first header, after it, and within the data. */
    private void add(String name, int mode, byte[]... parts) {
        byte[] start = {(byte) (mode | 3), 40, 8, 17};
        seeds.put(name, FuzzWire.join(start, FuzzWire.join(parts)));
    }

    private static byte[] stage(boolean transit, int from, int to, String... pairs) {
        return FuzzWire.pdu(RawInitiator.login(transit, from, to), RawInitiator.text(pairs));
    }

    private static String[] with(String[] names, String... more) {
        String[] all = Arrays.copyOf(names, names.length + more.length);
        System.arraycopy(more, 0, all, names.length, more.length);
        return all;
    }

    private void logins() {
        String[] open = RawInitiator.names(FuzzTarget.OPEN);
        String[] guarded = RawInitiator.names(FuzzTarget.GUARDED);
        byte[] ping = ping(1, 100);
        add("login", 0, FuzzWire.login(), ping);
        add(
                "login-in-stages",
                0,
                stage(true, 0, 1, with(open, "AuthMethod=None")),
                stage(false, 1, 0, "HeaderDigest=None", "MaxBurstLength=8192"),
                stage(true, 1, 3, "MaxOutstandingR2T=2", "X-com.example.key=1"),
                ping);
        add(
                "login-every-key",
                0,
                stage(
                        true,
                        1,
                        3,
                        with(
                                open,
                                "InitiatorAlias=a",
                                "HeaderDigest=None",
                                "DataDigest=None",
                                "MaxConnections=1",
                                "InitialR2T=No",
                                "ImmediateData=Yes",
                                "MaxRecvDataSegmentLength=512",
                                "MaxBurstLength=1024",
                                "FirstBurstLength=512",
                                "DefaultTime2Wait=2",
                                "DefaultTime2Retain=0",
                                "MaxOutstandingR2T=8",
                                "DataPDUInOrder=Yes",
                                "DataSequenceInOrder=Yes",
                                "ErrorRecoveryLevel=2",
                                "TaskReporting=RFC3720",
                                "iSCSIProtocolLevel=1",
                                "OFMarker=No",
                                "IFMarker=No")),
                ping);
        for (int algorithm : new int[] {5, 6, 7, 8}) {
            add(
                    "chap-" + algorithm,
                    0,
                    stage(false, 0, 1, with(guarded, "AuthMethod=CHAP,None")),
                    stage(false, 0, 1, "CHAP_A=" + algorithm),
                    stage(true, 0, 1, "CHAP_N=host", "CHAP_R=0x00ff", "CHAP_I=1", "CHAP_C=0bAAEC"),
                    ping);
        }
        Header continued = RawInitiator.login(false, 1, 0).set(1, 0x44);
        add(
                "login-continued",
                0,
                FuzzWire.pdu(continued, RawInitiator.text("InitiatorName=iqn.2026-11.a:b")),
                FuzzWire.login(),
                ping);
    }

    private static byte[] ping(int number, int tag) {
        return FuzzWire.pdu(
                Header.of(Opcode.NOP_OUT, Header.FINAL)
                        .setInt(16, tag)
                        .setInt(20, Header.RESERVED_TAG)
                        .setInt(24, number),
                new byte[] {1, 2, 3});
    }

    private static Header text(int number, int flags, int transferTag) {
        return Header.of(Opcode.TEXT, flags)
                .setInt(16, number)
                .setInt(20, transferTag)
                .setInt(24, number);
    }

    private void texts() {
        byte[] discovery =
                stage(true, 1, 3, "InitiatorName=iqn.2026-11.a:b", "SessionType=Discovery");
        add(
                "discovery",
                0,
                discovery,
                FuzzWire.pdu(text(1, Header.FINAL, -1), RawInitiator.text("SendTargets=All")),
                ping(2, 9));
        add(
                "text",
                FuzzTarget.LOGGED_IN,
                FuzzWire.pdu(
                        text(1, Header.CONTINUE, -1),
                        RawInitiator.text("MaxRecvDataSegmentLength=512")),
                FuzzWire.pdu(text(2, Header.FINAL, 1), RawInitiator.text("SendTargets=")),
                FuzzWire.pdu(text(3, Header.FINAL, 7)),
                ping(4, 9));
    }

    private void session() {
        byte[] logout =
                FuzzWire.pdu(Header.of(Opcode.LOGOUT, Header.FINAL).setInt(16, 9).setInt(24, 2));
        add("logout", FuzzTarget.LOGGED_IN, ping(1, 8), logout, ping(3, 10));
        add("early", FuzzTarget.LOGGED_IN, ping(3, 7), ping(2, 8), ping(1, 9), ping(1, 10));
        add("snack", FuzzTarget.LOGGED_IN, FuzzWire.pdu(Header.of(Opcode.SNACK, 0x80)), ping(1, 1));
        add("unknown", FuzzTarget.LOGGED_IN, FuzzWire.pdu(Header.of(0x1c, 0x80)), ping(1, 1));
        Header extended = FuzzWire.command(1, Header.FINAL | READ, 0, 512, new byte[16]).set(4, 6);
        byte[] additional = HexFormat.of().parseHex("0011010000000000000000000000000000000000");
        byte[] read = HexFormat.of().parseHex("0005020000020000");
        extended.set(4, 7);
        add(
                "additional-headers",
                FuzzTarget.LOGGED_IN,
                extended.bytes().clone(),
                additional,
                read,
                ping(2, 2));
    }

    private static byte[] cdb(String hex) {
        return Arrays.copyOf(HexFormat.of().parseHex(hex), 16);
    }

    private void writes() {
        byte[] ready = FuzzWire.pdu(FuzzWire.command(1, Header.FINAL, 0, 0, new byte[16]));
        byte[] write = cdb("2a000000000000001000");
        byte[] data = new byte[4096];
        add(
                "write-r2t",
                FuzzTarget.LOGGED_IN,
                ready,
                FuzzWire.pdu(FuzzWire.command(2, Header.FINAL | WRITE, 0, 8192, write)),
                FuzzWire.pdu(RawInitiator.dataOut(2, 1, 0, 0).set(1, 0), data),
                FuzzWire.pdu(RawInitiator.dataOut(2, 1, 1, 4096), data),
                ping(3, 3));
        add(
                "write-unsolicited",
                FuzzTarget.LOGGED_IN,
                ready,
                FuzzWire.pdu(FuzzWire.command(2, WRITE, 0, 8192, write), data),
                FuzzWire.pdu(RawInitiator.dataOut(2, -1, 0, 4096), data),
                ping(3, 3));
    }

    private void management() {
        byte[] ready = FuzzWire.pdu(FuzzWire.command(1, Header.FINAL, 0, 0, new byte[16]));
        byte[] held = cdb("2a000000000000000800");
        for (int function = 1; function <= 9; function++) {
            add(
                    "management-" + function,
                    FuzzTarget.LOGGED_IN,
                    ready,
                    FuzzWire.pdu(FuzzWire.command(2, Header.FINAL | WRITE | 2, 0, 4096, held)),
                    FuzzWire.pdu(FuzzWire.command(3, Header.FINAL | READ, 0, 512, cdb("28"))),
                    FuzzWire.pdu(
                            Header.of(Opcode.TASK_MANAGEMENT | 0x40, Header.FINAL | function)
                                    .setInt(16, 77)
                                    .setInt(20, 2)
                                    .setInt(24, 4)
                                    .setInt(32, 2)),
                    FuzzWire.pdu(RawInitiator.dataOut(2, 1, 0, 0), new byte[4096]),
                    ping(4, 3));
        }
    }

    private void digests() {
        String[] names = RawInitiator.names(FuzzTarget.OPEN);
        byte[] ping = ping(1, 5);
        byte[] header = Arrays.copyOf(ping, Header.BYTES);
        byte[] data = {1, 2, 3};
        ByteBuf digested = Unpooled.buffer();
        digested.writeBytes(header).writeIntLE(Crc32c.of(header, new byte[0]));
        digested.writeBytes(data).writeByte(0).writeIntLE(Crc32c.of(Unpooled.wrappedBuffer(data)));
        add(
                "digests",
                0,
                stage(true, 1, 3, with(names, "HeaderDigest=CRC32C", "DataDigest=CRC32C")),
                ByteBufUtil.getBytes(digested));
    }

    private void commands() {
        int count = 0;
        for (byte[] cdb : CommandSamples.all()) {
            String name = "command-%02x-%d".formatted(cdb[0] & 0xff, count++);
            add(
                    name,
                    FuzzTarget.COMMANDS,
                    FuzzWire.shortForm(READ, 512, cdb),
                    FuzzWire.shortForm(WRITE | 8, 4096, cdb, (byte) 0, (byte) 0),
                    FuzzWire.shortForm(0, 0, cdb),
                    FuzzWire.shortForm(READ | 8, 4096, cdb));
        }
        add(
                "unmap",
                FuzzTarget.COMMANDS,
                FuzzWire.shortForm(
                        WRITE,
                        24,
                        cdb("42000000000000001800"),
                        HexFormat.of()
                                .parseHex("001600100000000000000000000000080000000800000000")));
        byte[] register = new byte[24];
        register[15] = 7;
        add(
                "reserve",
                FuzzTarget.COMMANDS,
                FuzzWire.shortForm(WRITE, 24, cdb("5f000000000000001800"), register),
                FuzzWire.shortForm(READ, 512, cdb("5e030000000000020000")));
        add("copy", FuzzTarget.COMMANDS, FuzzWire.shortForm(WRITE, 76, cdb("8300"), copy()));
        byte[] selected = HexFormat.of().parseHex("000000000a0a0200000000000000000a0000");
        add(
                "mode",
                FuzzTarget.COMMANDS,
                FuzzWire.shortForm(READ, 255, cdb("1a003f00ff00")),
                FuzzWire.shortForm(WRITE, 16, cdb("151000001000"), selected));
        add(
                "compare",
                FuzzTarget.COMMANDS,
                FuzzWire.shortForm(WRITE, 1024, cdb("89000000000000000000000000010000"), (byte) 0));
        add(
                "sanitize",
                FuzzTarget.COMMANDS,
                FuzzWire.shortForm(
                        WRITE,
                        8,
                        cdb("48010000000000000800"),
                        new byte[] {2, 0, 0, 4, 1, 2, 3, 4}));
    }

    /** One block from the first unit to the second. */
    private static byte[] copy() {
        ByteBuf list = Unpooled.buffer();
        list.writeShort(0x0100).writeShort(32).writeInt(0).writeInt(28).writeInt(0);
        list.writeInt(0xe4000000).writeByte(1).writeByte(3).writeByte(0).writeByte(8);
        list.writeLong(0x3000_0000_0000_0030L).writeZero(16);
        list.writeShort(0x0200).writeShort(24).writeInt(0).writeShort(0).writeShort(1);
        list.writeLong(0).writeLong(8);
        return ByteBufUtil.getBytes(list);
    }
}
