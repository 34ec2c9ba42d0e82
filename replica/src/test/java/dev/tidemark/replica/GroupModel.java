package dev.tidemark.replica;

import dev.tidemark.blockdevice.model.VolumeModel;
import dev.tidemark.journal.PendingRecord;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a protection group must be: the exact content of every volume after every sequence number,
 * and what was promised to the host. It learns the order from the records as they enter the
 * journal, and holds every acknowledged request against them.
 */
final class GroupModel {
    /** A tagged checkpoint that was acknowledged. */
    record Tagged(String name, long sequence) {}

    /** A stretch of sequence numbers in which a promotion was being copied. */
    record Promotion(long fromSequence, long pointSequence) {}

    final Map<Integer, VolumeModel> volumes = new TreeMap<>();
    final List<Tagged> tagged = new ArrayList<>();
    final List<Promotion> promotions = new ArrayList<>();

    /** Requests handed over that have not ended and been checked. */
    private final List<HostOperation> open = new ArrayList<>();

    /**
     * Sequence numbers of records that were never seen entering the log: which is which is not
     * known.
     */
    private record Unseen(long after, long upTo) {}

    private final List<Unseen> unseenRanges = new ArrayList<>();

    /**
     * Requests that failed since the last record: until the log goes on, a restart may find them in
     * it.
     */
    private final List<HostOperation> failedUnseen = new ArrayList<>();

    private @Nullable Map<Integer, byte[]> promotedContent;
    private long promotedPoint;
    private long lastSequence;

    /** Survives the death of the process; survives power loss. */
    private long acknowledgedFloor;

    private long durableFloor;

    long lastSequence() {
        return lastSequence;
    }

    long acknowledgedFloor() {
        return acknowledgedFloor;
    }

    long durableFloor() {
        return durableFloor;
    }

    void addVolume(int id, long sizeBytes) {
        volumes.put(id, new VolumeModel(sizeBytes));
    }

    VolumeModel volume(int id) {
        VolumeModel model = volumes.get(id);
        if (model == null) {
            throw new AssertionError("no volume " + id);
        }
        return model;
    }

    void issued(HostOperation operation) {
        open.add(operation);
    }

    /** What the live disks become when the coming PROMOTE record enters the journal. */
    void expectPromotion(long pointSequence, Map<Integer, byte[]> content) {
        promotedPoint = pointSequence;
        promotedContent = content;
    }

    /** A record has entered the journal; under the log's lock, in sequence order. */
    void appended(PendingRecord record) {
        check(
                record.sequence() == lastSequence + 1,
                "sequence " + record.sequence() + " follows " + lastSequence);
        lastSequence = record.sequence();
        failedUnseen.clear();
        boolean internal = (record.flags() & PendingRecord.FLAG_INTERNAL) != 0;
        switch (record.kind()) {
            case WRITE -> {
                if (!internal) {
                    apply(take(record));
                }
            }
            case ZERO -> {
                if (!internal) {
                    apply(take(record));
                }
            }
            case RESIZE -> volume(record.volume()).resize(record.sequence(), record.lengthBytes());
            case PROMOTE -> promote();
            case PROMOTED, CHECKPOINT -> {
                // the content does not change
            }
        }
    }

    /** The request this record carries; there must be one. */
    private HostOperation take(PendingRecord record) {
        for (HostOperation candidate : open) {
            if (candidate.sequence == 0
                    && candidate.volume == record.volume()
                    && candidate.offsetBytes == record.offsetBytes()
                    && candidate.lengthBytes == record.lengthBytes()
                    && samePayload(candidate, record.payload())) {
                candidate.sequence = record.sequence();
                return candidate;
            }
        }
        throw new AssertionError(
                "record " + record.sequence() + " carries nothing the host asked for");
    }

    private static boolean samePayload(HostOperation candidate, @Nullable ByteBuf payload) {
        if (candidate.data == null || payload == null) {
            return candidate.data == null && payload == null;
        }
        return candidate.buffer().equals(payload);
    }

    private void apply(HostOperation operation) {
        apply(operation, lastSequence);
    }

    /** Applies a request as sequence number {@code sequence}. */
    void apply(HostOperation operation, long sequence) {
        if (operation.data != null) {
            volume(operation.volume).write(sequence, operation.offsetBytes, operation.data);
        } else {
            volume(operation.volume).zero(sequence, operation.offsetBytes, operation.lengthBytes);
        }
    }

    private void promote() {
        if (promotedContent == null) {
            throw new AssertionError("a PROMOTE record nobody asked for");
        }
        promotions.add(new Promotion(lastSequence, promotedPoint));
        promotedContent.forEach((id, content) -> {
            long size = volume(id).sizeAt(lastSequence);
            volume(id).zero(lastSequence, 0, size);
            volume(id).write(lastSequence, 0, content);
        });
        promotedContent = null;
    }

    /**
     * Looks at the requests that ended: an acknowledged one must be in the journal, and what it
     * promised is noted.
     */
    void settle() {
        for (Iterator<HostOperation> all = open.iterator(); all.hasNext(); ) {
            HostOperation operation = all.next();
            if (operation.isAcknowledged()) {
                check(operation.sequence > 0, "a write was acknowledged without being journaled");
                acknowledgedFloor = Math.max(acknowledgedFloor, operation.sequence);
                if (operation.durable) {
                    durableUpTo(operation.sequence);
                }
            }
            if (operation.isDone()) {
                all.remove();
                if (operation.sequence == 0) {
                    failedUnseen.add(operation);
                }
            }
        }
    }

    /** Whether the content after this sequence number is known exactly. */
    boolean isExactAt(long sequence) {
        return unseenRanges.stream()
                .noneMatch(range -> sequence > range.after() && sequence < range.upTo());
    }

    boolean hasOpen() {
        return !open.isEmpty();
    }

    /** Where the newest promotion began; 0 when there was none. */
    long lastPromotionSequence() {
        return promotions.isEmpty() ? 0 : promotions.getLast().fromSequence();
    }

    /**
     * Requests not seen in the journal, in the order they were handed over: after power loss some
     * of them may be there.
     */
    List<HostOperation> unseen() {
        return Stream.concat(
                        failedUnseen.stream(),
                        open.stream().filter(operation -> operation.sequence == 0))
                .toList();
    }

    void durableUpTo(long sequence) {
        durableFloor = Math.max(durableFloor, sequence);
    }

    /**
     * Recovery ended the log at {@code recovered}. Of what was seen entering it, what is after
     * {@code known} never was; a record after that was on its way when power went off.
     */
    void recoveredAt(long known, long recovered) {
        volumes.values().forEach(volume -> volume.discardAfter(known));
        promotions.removeIf(promotion -> promotion.fromSequence() > known);
        acknowledgedFloor = Math.min(acknowledgedFloor, recovered);
        unseenRanges.removeIf(range -> range.after() >= known);
        if (recovered > known) {
            unseenRanges.add(new Unseen(known, recovered));
        }
        lastSequence = recovered;
        promotedContent = null;
        failedUnseen.clear();
        open.clear();
    }

    static void check(boolean condition, String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }
}
