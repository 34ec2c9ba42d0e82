package dev.tidemark.journal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The truth a test holds the undo log against: small volumes, kept whole at every boundary. Each
 * volume's bytes lie around a region's end, so that lookups cross it. The manifest is a list.
 */
final class UndoModel implements UndoLog.Recorder {
    static final int VOLUMES = 3;
    static final int BYTES = 96 << 10;
    static final long BASE_BYTES = (3L << UndoRegion.SHIFT) - (BYTES / 2) + 512;

    private final Random random;

    /** Volumes as they were after each run; the last is gold. Index 0 is the origin. */
    final List<byte[][]> history = new CopyOnWriteArrayList<>();

    /** Changed bytes of each run. */
    final List<BitSet[]> changes = new ArrayList<>();

    final List<SpanDescriptor> manifest = new ArrayList<>();
    boolean failNextRecord;

    UndoModel(Random random) {
        this.random = random;
        byte[][] origin = new byte[VOLUMES][BYTES];
        for (byte[] volume : origin) {
            random.nextBytes(volume);
            Arrays.fill(volume, 0, BYTES / 3, (byte) 0);
        }
        history.add(origin);
        changes.add(emptyChanges());
    }

    private static BitSet[] emptyChanges() {
        BitSet[] changed = new BitSet[VOLUMES];
        for (int volume = 0; volume < VOLUMES; volume++) {
            changed[volume] = new BitSet();
        }
        return changed;
    }

    long lastRun() {
        return history.size() - 1L;
    }

    byte[][] gold() {
        return history.get(history.size() - 1);
    }

    static Boundary boundary(long run) {
        return new Boundary(run, run * 10, run * 1000, new Position(1, 4096, run * 10), null);
    }

    /** One interval: what it writes, in order. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Write(int volume, int offset, byte[] bytes) {}

    List<Write> interval() {
        List<Write> writes = new ArrayList<>();
        int density = 1 + random.nextInt(40);
        for (int volume = 0; volume < VOLUMES; volume++) {
            int next = random.nextInt(BYTES / density + 1);
            while (next < BYTES && writes.size() < 200) {
                int length = Math.min(BYTES - next, length());
                writes.add(new Write(volume, next, content(length)));
                next += length + (random.nextInt(3) == 0 ? 0 : random.nextInt(2 * BYTES / density));
            }
        }
        return random.nextInt(12) == 0 ? List.of() : writes;
    }

    private int length() {
        return switch (random.nextInt(5)) {
            case 0 -> 1 + random.nextInt(600);
            case 1 -> 512 * (1 + random.nextInt(16));
            case 2 -> 1 + random.nextInt(50_000);
            default -> 4096;
        };
    }

    private byte[] content(int length) {
        byte[] bytes = new byte[length];
        if (random.nextInt(3) > 0) {
            random.nextBytes(bytes);
        }
        return bytes;
    }

    /** Hands the before-images of an interval to a run. */
    void addTo(UndoRunBuilder run, Write write) throws JournalException {
        byte[] volume = gold()[write.volume];
        ByteBuffer before =
                ByteBuffer.wrap(volume.clone(), write.offset, write.bytes.length).slice();
        boolean zeros = before.mismatch(ByteBuffer.allocate(write.bytes.length)) < 0;
        if (zeros && random.nextBoolean()) {
            run.addZero(write.volume, BASE_BYTES + write.offset, write.bytes.length);
        } else {
            run.add(write.volume, BASE_BYTES + write.offset, before);
        }
    }

    /** The interval is committed: gold takes it. */
    void apply(List<Write> writes) {
        byte[][] next = new byte[VOLUMES][];
        BitSet[] changed = emptyChanges();
        for (int volume = 0; volume < VOLUMES; volume++) {
            next[volume] = gold()[volume].clone();
        }
        for (Write write : writes) {
            System.arraycopy(write.bytes, 0, next[write.volume], write.offset, write.bytes.length);
            changed[write.volume].set(write.offset, write.offset + write.bytes.length);
        }
        changes.add(changed);
        history.add(next);
    }

    /** Reads a range through a lookup, over the gold that was current when the lookup was asked. */
    byte[] read(UndoLookup lookup, int volume, int offset, int length, boolean cachedOnly)
            throws JournalException {
        byte[] result = new byte[length];
        byte[] gold = gold()[volume];
        BitSet covered = new BitSet();
        long asOf =
                lookup.resolve(
                        volume,
                        BASE_BYTES + offset,
                        length,
                        cachedOnly,
                        new UndoLookup.Visitor() {
                            @Override
                            public void beforeImage(long at, long bytes, BeforeImage image) {
                                int from = cover(at, bytes);
                                ByteBuffer target = ByteBuffer.wrap(result, from, (int) bytes);
                                try {
                                    if (!lookup.read(image, at, target, false)) {
                                        throw new AssertionError("a read that may wait did not");
                                    }
                                } catch (JournalException failure) {
                                    throw new CorruptRead(failure);
                                }
                            }

                            @Override
                            public void gold(long at, long bytes) {
                                int from = cover(at, bytes);
                                System.arraycopy(gold, from + offset, result, from, (int) bytes);
                            }

                            private int cover(long at, long bytes) {
                                int from = (int) (at - BASE_BYTES) - offset;
                                if (from != covered.length() || bytes <= 0) {
                                    throw new AssertionError(
                                            "part at " + from + " after " + covered.length());
                                }
                                covered.set(from, from + (int) bytes);
                                return from;
                            }
                        });
        if (asOf == UndoLookup.WOULD_BLOCK) {
            return new byte[0];
        }
        if (covered.cardinality() != length) {
            throw new AssertionError(covered.cardinality() + " bytes covered of " + length);
        }
        return result;
    }

    /** The same through the read that gathers; empty when it would have waited. */
    byte[] readGathered(UndoLookup lookup, int volume, int offset, int length, boolean cachedOnly)
            throws JournalException {
        byte[] gold = gold()[volume];
        byte[] result = new byte[length + 7];
        ByteBuffer target = ByteBuffer.wrap(result).position(3).limit(length + 3);
        UndoRead read = lookup.find(volume, BASE_BYTES + offset, length, cachedOnly);
        if (read == null) {
            return new byte[0];
        }
        for (int part = 0; part < read.goldCount(); part++) {
            int from = (int) (read.goldStart(part) - BASE_BYTES);
            int bytes = (int) (read.goldEnd(part) - read.goldStart(part));
            System.arraycopy(gold, from, result, from - offset + 3, bytes);
        }
        if (!read.fill(target, cachedOnly)) {
            return new byte[0];
        }
        if (target.position() != 3 || target.limit() != length + 3) {
            throw new AssertionError("the target moved: " + target);
        }
        return Arrays.copyOfRange(result, 3, length + 3);
    }

    /** Carries a checked failure out of a visitor. */
    static final class CorruptRead extends RuntimeException {
        private static final long serialVersionUID = 1;

        CorruptRead(JournalException cause) {
            super(cause);
        }
    }

    BitSet changed(long fromRun, long toRun, int volume) {
        BitSet changed = new BitSet();
        for (long run = fromRun + 1; run <= toRun; run++) {
            changed.or(changes.get((int) run)[volume]);
        }
        return changed;
    }

    @Override
    public void record(Boundary to, int epoch, SpanDescriptor run, List<SpanDescriptor> spans)
            throws JournalException {
        if (failNextRecord) {
            failNextRecord = false;
            throw new JournalException(JournalException.Kind.NO_SPACE, "no room, says the test");
        }
        record(spans);
        manifest.add(reread(run));
    }

    @Override
    public void record(List<SpanDescriptor> spans) {
        spans.forEach(span -> manifest.add(reread(span)));
    }

    private static SpanDescriptor reread(SpanDescriptor span) {
        ByteBuffer bytes =
                ByteBuffer.allocate(SpanDescriptor.BYTES).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        span.write(bytes);
        SpanDescriptor read = SpanDescriptor.read(bytes.flip());
        assert read.equals(span) && !bytes.hasRemaining();
        return read;
    }
}
