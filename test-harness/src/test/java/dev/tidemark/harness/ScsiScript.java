package dev.tidemark.harness;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/**
 * Commands for a disk, right and wrong, from a seed: blocks of 512 bytes, all within its first
 * part, so that commands meet. CDBs are laid out after SBC-3, SPC-4 and SAM-5.
 */
final class ScsiScript {
    private static final int BLOCK_BYTES = 512;
    private static final int MEETING_BLOCKS = 512;
    private static final int LONGEST_BLOCKS = 24;

    private final Random random;
    private final int diskBlocks;

    ScsiScript(Random random, int diskBlocks) {
        this.random = random;
        this.diskBlocks = diskBlocks;
    }

    /** All that a target says about itself, in every length that matters. */
    List<ScsiCommand> questions() {
        List<ScsiCommand> all = new ArrayList<>();
        for (int length : new int[] {0, 4, 5, 36, 96, 255}) {
            all.add(in("INQUIRY", cdb6(0x12, 0, 0, length), length));
        }
        all.add(in("INQUIRY, page without EVPD", cdb6(0x12, 0, 0x80, 36), 36));
        all.add(in("INQUIRY, of no unit", 5, cdb6(0x12, 0, 0, 36), 36));
        for (int page : new int[] {0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2}) {
            all.add(in("INQUIRY, page %02x".formatted(page), cdb6(0x12, 1, page, 255), 255));
        }
        for (int page : new int[] {0x01, 0x7f, 0xc0}) {
            all.add(in("INQUIRY, unknown page", cdb6(0x12, 1, page, 255), 255));
        }
        for (int page : new int[] {0x01, 0x08, 0x0a, 0x1c, 0x3f}) {
            all.add(in("MODE SENSE(6), page %02x".formatted(page), cdb6(0x1a, 8, page, 255), 255));
            ByteBuffer ten = cdb10(0x5a).put(1, (byte) 8).put(2, (byte) page);
            all.add(
                    in(
                            "MODE SENSE(10), page %02x".formatted(page),
                            ten.putShort(7, (short) 255),
                            255));
        }
        all.add(in("MODE SENSE(6), unknown page", cdb6(0x1a, 8, 0x2b, 255), 255));
        all.add(in("MODE SENSE(6), saved values", cdb6(0x1a, 8, 0x08 | 0xc0, 255), 255));
        for (int select = 0; select <= 3; select++) {
            ByteBuffer cdb = cdb12(0xa0).put(2, (byte) select).putInt(6, 64);
            all.add(in("REPORT LUNS, select " + select, cdb, 64));
        }
        all.add(in("REPORT LUNS, short", cdb12(0xa0).putInt(6, 8), 8));
        all.add(in("READ CAPACITY(10)", cdb10(0x25), 8));
        all.add(in("READ CAPACITY(16)", cdb16(0x9e).put(1, (byte) 0x10).putInt(10, 32), 32));
        all.add(in("READ CAPACITY(16)", cdb16(0x9e).put(1, (byte) 0x10).putInt(10, 12), 12));
        all.add(
                in(
                        "SERVICE ACTION IN, unknown",
                        cdb16(0x9e).put(1, (byte) 0x1f).putInt(10, 32),
                        32));
        all.add(in("REQUEST SENSE", cdb6(0x03, 0, 0, 252), 252));
        all.add(in("REQUEST SENSE, descriptors", cdb6(0x03, 1, 0, 252), 252));
        all.add(in("REPORT TARGET PORT GROUPS", cdb12(0xa3).put(1, (byte) 0x0a).putInt(6, 64), 64));
        for (int action = 0; action <= 4; action++) {
            ByteBuffer cdb = cdb10(0x5e).put(1, (byte) action).putShort(7, (short) 255);
            all.add(in("PERSISTENT RESERVE IN, action " + action, cdb, 255));
        }
        for (int opcode :
                new int[] {0x04, 0x07, 0x15, 0x1e, 0x37, 0x3b, 0x4c, 0x4d, 0xa4, 0xc1, 0xff}) {
            all.add(in("opcode %02x".formatted(opcode), cdb16(opcode), 0));
        }
        // RDPROTECT and WRPROTECT without protection; numbers that no disk has.
        all.add(in("READ(10), protected", read10(0, 1).put(1, (byte) 0x20), BLOCK_BYTES));
        all.add(
                out(
                        "WRITE(10), protected",
                        cdb10(0x2a).put(1, (byte) 0x20).putShort(7, (short) 1),
                        new byte[BLOCK_BYTES]));
        for (long block : new long[] {1L << 32, Long.MAX_VALUE, -1}) {
            ByteBuffer cdb = cdb16(0x88).putLong(2, block).putInt(10, 1);
            all.add(in("READ(16), far", cdb, BLOCK_BYTES));
            cdb = cdb16(0x8a).putLong(2, block).putInt(10, 1);
            all.add(out("WRITE(16), far", cdb, new byte[BLOCK_BYTES]));
            cdb = cdb16(0x93).putLong(2, block).putInt(10, 1);
            all.add(out("WRITE SAME(16), far", cdb, new byte[BLOCK_BYTES]));
            cdb = cdb16(0x91).putLong(2, block).putInt(10, 1);
            all.add(in("SYNCHRONIZE CACHE(16), far", cdb, 0));
        }
        all.add(in("READ(16), all", cdb16(0x88).putInt(10, -1), BLOCK_BYTES));
        all.add(out("WRITE SAME(10), to the end", cdb10(0x41), new byte[BLOCK_BYTES]));
        all.add(in("WRITE SAME(16), NDOB", cdb16(0x93).put(1, (byte) 1).putInt(10, 1), 0));
        all.add(
                out(
                        "WRITE SAME(16), ANCHOR alone",
                        cdb16(0x93).put(1, (byte) 0x10).putInt(10, 1),
                        new byte[BLOCK_BYTES]));
        all.add(
                out(
                        "UNMAP, ANCHOR",
                        cdb10(0x42).put(1, (byte) 1).putShort(7, (short) 24),
                        unmapped(0, 1)));
        all.add(in("UNMAP, no list", cdb10(0x42), 0));
        all.add(in("COMPARE AND WRITE, no blocks", cdb16(0x89), 0));
        for (int opcode : new int[] {0x83, 0x84, 0x2e, 0x8e, 0x34, 0x3c, 0x4e, 0x9b, 0x9c, 0xb7}) {
            all.add(in("opcode %02x".formatted(opcode), cdb16(opcode), 0));
        }
        all.add(in("MODE SELECT(6), no list", cdb6(0x15, 0x10, 0, 0), 0));
        all.add(in("MODE SELECT(10), no list", cdb10(0x55).put(1, (byte) 0x10), 0));
        all.addAll(modeSelections());
        all.add(in("START STOP UNIT, start", cdb6(0x1b, 0, 0, 1), 0));
        all.add(in("TEST UNIT READY, of no unit", 5, cdb6(0, 0, 0, 0), 0));
        all.add(in("READ(10), of no unit", 5, read10(0, 1), BLOCK_BYTES));
        return all;
    }

    /** Lists of pages, right and wrong, each followed by what MODE SENSE says of the page. */
    private static List<ScsiCommand> modeSelections() {
        List<ScsiCommand> all = new ArrayList<>();
        // SPC-4: the control page with D_SENSE and without; SBC-3: the caching page without WCE.
        for (String list :
                List.of(
                        "0a0a0410000000000000000000",
                        "0a0a0010000000000000000000",
                        "0812000000000000000000000000000000000000",
                        "0a0900100000000000000000",
                        "0a0a00100000",
                        "2b0a0000000000000000000000")) {
            byte[] page = HexFormat.of().parseHex(list);
            int bytes = Math.min(page.length, 2 + page[1]);
            all.add(select6(0x10, Arrays.copyOf(page, bytes)));
            for (int control = 0; control < 3; control++) {
                int asked = (page[0] & 0x3f) | (control << 6);
                all.add(in("MODE SENSE(6), after MODE SELECT", cdb6(0x1a, 8, asked, 255), 255));
            }
        }
        all.add(select6(0x11, HexFormat.of().parseHex("0a0a00100000000000000000")));
        return all;
    }

    private static ScsiCommand select6(int options, byte[] page) {
        ByteBuffer list = ByteBuffer.allocate(4 + page.length).put(4, page);
        return out("MODE SELECT(6)", cdb6(0x15, options, 0, list.capacity()), content(list));
    }

    /** Writes zeros wherever random commands may write. */
    static List<ScsiCommand> clearing(int diskBlocks) {
        int blocks = MEETING_BLOCKS + 2 * LONGEST_BLOCKS;
        return List.of(zeros(0, blocks), zeros(diskBlocks - blocks, blocks));
    }

    private static ScsiCommand zeros(int block, int blocks) {
        ByteBuffer cdb = cdb10(0x2a).putInt(2, block).putShort(7, (short) blocks);
        return out("clearing", cdb, new byte[blocks * BLOCK_BYTES]);
    }

    /** One more command, at random. */
    ScsiCommand next() {
        int kind = random.nextInt(100);
        if (kind < 30) {
            return read();
        } else if (kind < 60) {
            return write();
        } else if (kind < 62) {
            return verify();
        } else if (kind < 64) {
            return verifyBytes();
        } else if (kind < 65) {
            return writeAndVerify();
        } else if (kind < 68) {
            return synchronize();
        } else if (kind < 75) {
            return unmap();
        } else if (kind < 81) {
            return writeSame();
        } else if (kind < 89) {
            return compareAndWrite();
        }
        return reserve();
    }

    private ScsiCommand read() {
        int blocks = blocks();
        long block = block(blocks);
        int form = random.nextInt(4);
        ByteBuffer cdb = access(new int[] {0x08, 0x28, 0xa8, 0x88}[form], block, blocks);
        int bytes = form == 0 && blocks == 0 ? 256 * BLOCK_BYTES : blocks * BLOCK_BYTES;
        int asked = odd(8) ? Math.max(0, bytes + BLOCK_BYTES * (random.nextInt(5) - 2)) : bytes;
        return in("READ" + edge(block, blocks) + length(bytes, asked), cdb, asked);
    }

    private ScsiCommand write() {
        int blocks = Math.max(1, blocks());
        long block = block(blocks);
        ByteBuffer cdb =
                access(new int[] {0x0a, 0x2a, 0xaa, 0x8a}[random.nextInt(4)], block, blocks);
        int bytes = blocks * BLOCK_BYTES;
        int sent = odd(12) ? bytes + BLOCK_BYTES * (random.nextInt(5) - 2) : bytes;
        return out(
                "WRITE" + edge(block, blocks) + length(bytes, sent), cdb, bytes(Math.max(0, sent)));
    }

    private ScsiCommand verify() {
        int blocks = blocks();
        long block = block(blocks);
        ByteBuffer cdb = access(random.nextBoolean() ? 0x2f : 0x8f, block, blocks);
        cdb.put(1, (byte) 0); // BYTCHK is 0: nothing is sent
        return in("VERIFY" + edge(block, blocks), cdb, 0);
    }

    /** With what the blocks hold to be compared with: BYTCHK 1, all of it; 3, one for all. */
    private ScsiCommand verifyBytes() {
        int check = random.nextBoolean() ? 1 : 3;
        int blocks = Math.max(1, blocks());
        long block = block(blocks);
        ByteBuffer cdb = access(random.nextBoolean() ? 0x2f : 0x8f, block, blocks);
        cdb.put(1, (byte) (check << 1));
        byte[] data = bytes((check == 1 ? blocks : 1) * BLOCK_BYTES);
        return out("VERIFY, BYTCHK " + check + edge(block, blocks), cdb, data);
    }

    private ScsiCommand writeAndVerify() {
        int blocks = Math.max(1, blocks());
        long block = block(blocks);
        ByteBuffer cdb = access(random.nextBoolean() ? 0x2e : 0x8e, block, blocks);
        cdb.put(1, (byte) (random.nextBoolean() ? 2 : 0));
        String family = "WRITE AND VERIFY" + edge(block, blocks);
        return out(family, cdb, bytes(blocks * BLOCK_BYTES));
    }

    private ScsiCommand synchronize() {
        int blocks = blocks();
        long block = block(blocks);
        ByteBuffer cdb = access(random.nextBoolean() ? 0x35 : 0x91, block, blocks);
        cdb.put(1, (byte) 0);
        return in("SYNCHRONIZE CACHE" + edge(block, blocks), cdb, 0);
    }

    // SBC-3 5.28: a header of 8 bytes, then descriptors of 16.
    private ScsiCommand unmap() {
        // One range alone may be beyond the end: LIO unmaps those before it, and then fails.
        boolean alone = odd(4);
        int count = alone ? 1 : random.nextInt(4);
        ByteBuffer list = ByteBuffer.allocate(8 + 16 * count);
        list.putShort(0, (short) (6 + 16 * count)).putShort(2, (short) (16 * count));
        String edge = "";
        for (int i = 0; i < count; i++) {
            int blocks = blocks();
            long block = alone ? block(blocks) : random.nextInt(MEETING_BLOCKS);
            edge = edge.isEmpty() ? edge(block, blocks) : edge;
            list.putLong(8 + 16 * i, block).putInt(16 + 16 * i, blocks);
        }
        int sent = odd(6) ? random.nextInt(list.capacity()) : list.capacity();
        ByteBuffer cdb = cdb10(0x42).putShort(7, (short) sent);
        String family = "UNMAP" + (sent == list.capacity() ? edge : ", cut short");
        return out(family, cdb, Arrays.copyOf(content(list), sent));
    }

    private static byte[] unmapped(long block, int blocks) {
        return ByteBuffer.allocate(24)
                .putShort(0, (short) 22)
                .putShort(2, (short) 16)
                .putLong(8, block)
                .putInt(16, blocks)
                .array();
    }

    private ScsiCommand writeSame() {
        int blocks = Math.max(1, blocks());
        long block = block(blocks);
        boolean unmap = random.nextBoolean();
        byte[] pattern = unmap ? new byte[BLOCK_BYTES] : bytes(BLOCK_BYTES);
        ByteBuffer cdb = access(random.nextBoolean() ? 0x41 : 0x93, block, blocks);
        cdb.put(1, (byte) (unmap ? 8 : 0));
        return out("WRITE SAME" + (unmap ? ", UNMAP" : "") + edge(block, blocks), cdb, pattern);
    }

    private ScsiCommand compareAndWrite() {
        int blocks = 1;
        long block = random.nextInt(4) == 0 ? block(1) : random.nextInt(8);
        ByteBuffer cdb = cdb16(0x89).putLong(2, block).put(13, (byte) blocks);
        byte[] data = new byte[2 * BLOCK_BYTES];
        // Two values only, so that some comparisons hold.
        Arrays.fill(data, 0, BLOCK_BYTES, (byte) random.nextInt(2));
        Arrays.fill(data, BLOCK_BYTES, 2 * BLOCK_BYTES, (byte) random.nextInt(2));
        return out("COMPARE AND WRITE" + edge(block, blocks), cdb, data);
    }

    // SPC-4 6.14 and 6.16: keys at 0 and 8, APTPL and others in byte 20.
    private ScsiCommand reserve() {
        int port = random.nextInt(2);
        if (random.nextInt(3) == 0) {
            int action = random.nextInt(2);
            ByteBuffer cdb = cdb10(0x5e).put(1, (byte) action).putShort(7, (short) 128);
            return new ScsiCommand(
                    "PERSISTENT RESERVE IN, action " + action, port, 0, content(cdb), NOTHING, 128);
        }
        int action = new int[] {0, 0, 1, 2, 3, 4, 6, 6, 8}[random.nextInt(9)];
        int type = new int[] {1, 3, 5, 6, 7, 8, 5, 5, 2}[random.nextInt(9)];
        ByteBuffer list = ByteBuffer.allocate(odd(20) ? 16 : 24);
        list.putLong(0, random.nextInt(3)).putLong(8, random.nextInt(3));
        ByteBuffer cdb = cdb10(0x5f).put(1, (byte) action).put(2, (byte) type);
        cdb.putInt(5, list.capacity());
        return new ScsiCommand(
                "PERSISTENT RESERVE OUT, action " + action,
                port,
                0,
                content(cdb),
                content(list),
                0);
    }

    // ---- parts

    private static final byte[] NOTHING = {};

    private int blocks() {
        return odd(12) ? 0 : 1 + random.nextInt(LONGEST_BLOCKS);
    }

    /** Within the first part, seldom at or beyond the end of the disk. */
    private long block(int blocks) {
        if (!odd(12)) {
            return random.nextInt(MEETING_BLOCKS);
        }
        return diskBlocks - blocks + random.nextInt(3) - 1L;
    }

    private String edge(long block, int blocks) {
        String none = blocks == 0 ? ", no blocks" : "";
        return none + (block + blocks > diskBlocks ? ", beyond the end" : "");
    }

    private static String length(int right, int is) {
        return right == is ? "" : is < right ? ", buffer too short" : ", buffer too long";
    }

    private boolean odd(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        if (random.nextInt(4) != 0) {
            random.nextBytes(bytes);
        }
        return bytes;
    }

    /** READ, WRITE, VERIFY and their like, by the opcode's group (SPC-4 section 4.2.5). */
    private ByteBuffer access(int opcode, long block, int blocks) {
        int options = random.nextInt(4) == 0 ? random.nextInt(4) << 3 : 0; // DPO and FUA
        return switch (opcode >> 5) {
            case 0 -> {
                ByteBuffer cdb = ByteBuffer.allocate(6).putInt(0, (int) block);
                yield cdb.put(0, (byte) opcode).put(4, (byte) blocks);
            }
            case 1, 2 -> {
                ByteBuffer cdb = cdb10(opcode).put(1, (byte) options).putInt(2, (int) block);
                yield cdb.putShort(7, (short) blocks);
            }
            case 4 -> {
                ByteBuffer cdb = cdb16(opcode).put(1, (byte) options).putLong(2, block);
                yield cdb.putInt(10, blocks);
            }
            default -> {
                ByteBuffer cdb = cdb12(opcode).put(1, (byte) options).putInt(2, (int) block);
                yield cdb.putInt(6, blocks);
            }
        };
    }

    /** All of a buffer, wherever it stands. */
    static byte[] content(ByteBuffer buffer) {
        byte[] content = new byte[buffer.capacity()];
        buffer.get(0, content);
        return content;
    }

    static ByteBuffer read10(int block, int blocks) {
        return cdb10(0x28).putInt(2, block).putShort(7, (short) blocks);
    }

    private static ByteBuffer cdb6(int opcode, int second, int third, int length) {
        return ByteBuffer.wrap(
                new byte[] {(byte) opcode, (byte) second, (byte) third, 0, (byte) length, 0});
    }

    static ByteBuffer cdb10(int opcode) {
        return ByteBuffer.allocate(10).put(0, (byte) opcode);
    }

    private static ByteBuffer cdb12(int opcode) {
        return ByteBuffer.allocate(12).put(0, (byte) opcode);
    }

    private static ByteBuffer cdb16(int opcode) {
        return ByteBuffer.allocate(16).put(0, (byte) opcode);
    }

    private static ScsiCommand in(String family, ByteBuffer cdb, int bytes) {
        return in(family, 0, cdb, bytes);
    }

    private static ScsiCommand in(String family, int lun, ByteBuffer cdb, int bytes) {
        return new ScsiCommand(family, 0, lun, content(cdb), NOTHING, bytes);
    }

    private static ScsiCommand out(String family, ByteBuffer cdb, byte[] data) {
        return new ScsiCommand(family, 0, 0, content(cdb), data, 0);
    }
}
