package dev.tidemark.blockdevice.model;

import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The exact content of a volume after every write: per 4 KiB block the versions it had, so that any
 * point can be read at a cost that depends on the volume, not on its history. A point is a sequence
 * number; content at a number no write had is that of the last one before it.
 *
 * <p>Not thread-safe.
 */
public final class VolumeModel {
    private static final int BLOCK_BYTES = 4096;
    private static final byte[] ZEROS = new byte[BLOCK_BYTES];
    private static final VarHandle LONGS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final TreeMap<Long, Versions> blocks = new TreeMap<>();
    private final TreeMap<Long, Long> sizes = new TreeMap<>();

    /**
     * Hash of the whole content after each sequence number: the sum of the blocks' hashes, so that
     * a write changes it by the blocks it touches.
     */
    private final TreeMap<Long, Long> hashes = new TreeMap<>();

    private long lastSequence;

    /** An empty volume, all zeros, before sequence number 1. */
    public VolumeModel(long sizeBytes) {
        sizes.put(Long.MIN_VALUE, sizeBytes);
        hashes.put(Long.MIN_VALUE, 0L);
    }

    /** A volume with content before sequence number 1. */
    public static VolumeModel of(byte[] base) {
        VolumeModel model = new VolumeModel(base.length);
        model.write(0, 0, base);
        return model;
    }

    /** The versions of one block, ascending by sequence number. */
    private static final class Versions {
        private long[] sequences = new long[2];
        private final List<byte[]> contents = new ArrayList<>(2);

        byte[] at(long sequence) {
            int index = Arrays.binarySearch(sequences, 0, contents.size(), sequence);
            int found = index >= 0 ? index : -index - 2;
            return found < 0 ? ZEROS : contents.get(found);
        }

        void add(long sequence, byte[] content) {
            int count = contents.size();
            if (count > 0 && sequences[count - 1] == sequence) {
                contents.set(count - 1, content);
                return;
            }
            if (count == sequences.length) {
                sequences = Arrays.copyOf(sequences, count * 2);
            }
            sequences[count] = sequence;
            contents.add(content);
        }

        void dropAfter(long sequence) {
            while (!contents.isEmpty() && sequences[contents.size() - 1] > sequence) {
                contents.removeLast();
            }
        }
    }

    public long lastSequence() {
        return lastSequence;
    }

    public long sizeAt(long sequence) {
        return sizes.floorEntry(sequence).getValue();
    }

    /** Sequence numbers must not descend; one may be used again, as one step of several parts. */
    public void write(long sequence, long offsetBytes, byte[] data) {
        change(sequence, offsetBytes, data.length, data);
    }

    /** Takes the readable bytes; the buffer's indexes stay. */
    public void write(long sequence, long offsetBytes, ByteBuf data) {
        byte[] copy = new byte[data.readableBytes()];
        data.getBytes(data.readerIndex(), copy);
        write(sequence, offsetBytes, copy);
    }

    public void zero(long sequence, long offsetBytes, long lengthBytes) {
        change(sequence, offsetBytes, lengthBytes, null);
    }

    public void resize(long sequence, long sizeBytes) {
        advance(sequence);
        if (sizeBytes < sizeAt(sequence)) {
            throw new IllegalArgumentException(
                    "a volume does not shrink from " + sizeAt(sequence) + " to " + sizeBytes);
        }
        sizes.put(sequence, sizeBytes);
        hashes.put(sequence, hashAt(sequence));
    }

    private void advance(long sequence) {
        if (sequence < lastSequence) {
            throw new IllegalArgumentException(
                    "sequence number " + sequence + " is before " + lastSequence);
        }
        lastSequence = sequence;
    }

    private void change(long sequence, long offset, long length, byte @Nullable [] data) {
        advance(sequence);
        if (offset < 0 || length > sizeAt(sequence) - offset) {
            throw new IllegalArgumentException(
                    "range " + offset + " + " + length + " exceeds " + sizeAt(sequence));
        }
        long hash = hashAt(sequence);
        long at = offset;
        while (at < offset + length) {
            int within = (int) (at % BLOCK_BYTES);
            int part = (int) Math.min(BLOCK_BYTES - within, offset + length - at);
            hash +=
                    changeBlock(
                            sequence, at / BLOCK_BYTES, within, part, data, (int) (at - offset));
            at += part;
        }
        hashes.put(sequence, hash);
    }

    /** Returns by how much the hash changes. */
    private long changeBlock(
            long sequence, long number, int within, int length, byte @Nullable [] data, int from) {
        Versions versions = blocks.get(number);
        if (versions == null) {
            if (data == null) {
                return 0;
            }
            versions = new Versions();
            blocks.put(number, versions);
        }
        byte[] before = versions.at(sequence);
        byte[] after = before.clone();
        if (data == null) {
            Arrays.fill(after, within, within + length, (byte) 0);
        } else {
            System.arraycopy(data, from, after, within, length);
        }
        versions.add(sequence, after);
        return hashOfBlock(number, after) - hashOfBlock(number, before);
    }

    /** Forgets everything after {@code sequence}: what a crash or a rollback took back. */
    public void discardAfter(long sequence) {
        blocks.values().forEach(versions -> versions.dropAfter(sequence));
        sizes.tailMap(sequence, false).clear();
        hashes.tailMap(sequence, false).clear();
        lastSequence = Math.min(lastSequence, sequence);
    }

    /** Fills {@code target} with the content at {@code offsetBytes}. */
    public void readAt(long sequence, long offsetBytes, byte[] target) {
        if (offsetBytes < 0 || target.length > sizeAt(sequence) - offsetBytes) {
            throw new IllegalArgumentException(
                    "range "
                            + offsetBytes
                            + " + "
                            + target.length
                            + " exceeds "
                            + sizeAt(sequence));
        }
        int done = 0;
        while (done < target.length) {
            long at = offsetBytes + done;
            int within = (int) (at % BLOCK_BYTES);
            int part = Math.min(BLOCK_BYTES - within, target.length - done);
            System.arraycopy(blockAt(sequence, at / BLOCK_BYTES), within, target, done, part);
            done += part;
        }
    }

    private byte[] blockAt(long sequence, long number) {
        Versions versions = blocks.get(number);
        return versions == null ? ZEROS : versions.at(sequence);
    }

    /** The whole content; for volumes up to 2 GiB. */
    public byte[] imageAt(long sequence) {
        byte[] image = new byte[Math.toIntExact(sizeAt(sequence))];
        blocks.forEach((number, versions) -> {
            long start = number * BLOCK_BYTES;
            if (start < image.length) {
                int length = (int) Math.min(BLOCK_BYTES, image.length - start);
                System.arraycopy(versions.at(sequence), 0, image, (int) start, length);
            }
        });
        return image;
    }

    /** SHA-256 of the whole content, in hexadecimal digits. */
    public String sha256At(long sequence) {
        MessageDigest digest = sha256();
        long size = sizeAt(sequence);
        for (long start = 0; start < size; start += BLOCK_BYTES) {
            digest.update(
                    blockAt(sequence, start / BLOCK_BYTES),
                    0,
                    (int) Math.min(BLOCK_BYTES, size - start));
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** SHA-256 of an image, to compare with {@link #sha256At}. */
    public static String sha256(byte[] image) {
        return HexFormat.of().formatHex(sha256().digest(image));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("every JDK has SHA-256", impossible);
        }
    }

    /**
     * A 64-bit hash of the whole content, known without reading it; trailing zeros and the size do
     * not count.
     */
    public long hashAt(long sequence) {
        return hashes.floorEntry(sequence).getValue();
    }

    /** The same hash of an image, to compare with {@link #hashAt}. */
    public static long hash(byte[] image) {
        long hash = 0;
        for (int start = 0; start < image.length; start += BLOCK_BYTES) {
            hash +=
                    hashOfBlock(
                            start / BLOCK_BYTES,
                            Arrays.copyOfRange(image, start, start + BLOCK_BYTES));
        }
        return hash;
    }

    /** 0 for a block of zeros, so that blocks never written count the same as those zeroed. */
    private static long hashOfBlock(long number, byte[] block) {
        if (Arrays.equals(block, ZEROS)) {
            return 0;
        }
        long hash = mix(number);
        for (int i = 0; i < BLOCK_BYTES; i += Long.BYTES) {
            hash = (hash ^ (long) LONGS.get(block, i)) * 0xD6E8FEB86659FD93L;
            hash ^= hash >>> 32;
        }
        return mix(hash);
    }

    private static long mix(long value) {
        long mixed = (value ^ (value >>> 32)) * 0xBF58476D1CE4E5B9L;
        mixed = (mixed ^ (mixed >>> 29)) * 0x94D049BB133111EBL;
        return mixed ^ (mixed >>> 32);
    }

    /**
     * Offset of the first byte of {@code data}, read at {@code offsetBytes}, that differs from the
     * content; -1 when none does.
     */
    public long firstDifference(long sequence, long offsetBytes, byte[] data) {
        byte[] expected = new byte[data.length];
        readAt(sequence, offsetBytes, expected);
        int different = Arrays.mismatch(expected, data);
        return different < 0 ? -1 : offsetBytes + different;
    }

    /**
     * The sequence numbers at which the content is exactly {@code image}, within {@code [from,
     * to]}, ascending: which prefix survived a crash.
     */
    public List<Long> pointsEqualTo(byte[] image, long from, long to) {
        long hash = hash(image);
        List<Long> found = new ArrayList<>();
        for (long sequence = from; sequence <= to; sequence++) {
            if (sizeAt(sequence) == image.length && hashAt(sequence) == hash) {
                found.add(sequence);
            }
        }
        return found;
    }
}
