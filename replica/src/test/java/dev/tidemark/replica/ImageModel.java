package dev.tidemark.replica;

import static dev.tidemark.replica.GroupModel.check;

import dev.tidemark.blockdevice.BlockDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a running test's disks must hold: the group at its point, and its own writes over it. */
final class ImageModel {
    /** A whole disk of the image. */
    record Part(BlockDevice device, int lengthBytes) {}

    private Image image;
    private final Map<Integer, byte[]> base = new TreeMap<>();
    private final Map<Integer, BlockDevice> devices = new TreeMap<>();

    /** Writes in the order they were handed over. */
    private final List<HostOperation> writes = new ArrayList<>();

    /** Writes that failed or have not ended: they may be there or not. */
    private boolean uncertain;

    private boolean promoted;

    ImageModel(Image image, GroupModel group) {
        this.image = image;
        for (PointVolume volume : image.volumes()) {
            byte[] content = group.volume(volume.id()).imageAt(image.point().sequence());
            check(
                    content.length == volume.sizeBytes(),
                    "image volume " + volume + " should have " + content.length + " bytes");
            base.put(volume.id(), content);
        }
        reopen();
    }

    UUID id() {
        return image.id();
    }

    long pointSequence() {
        return image.point().sequence();
    }

    void reopen() {
        for (int volume : base.keySet()) {
            try {
                devices.put(volume, image.device(volume));
            } catch (ReplicaException e) {
                throw new AssertionError(e);
            }
        }
    }

    void close() {
        devices.values().forEach(BlockDevice::close);
        devices.clear();
    }

    /** It is being made the live disk: it may be gone after a restart. */
    void promoted() {
        promoted = true;
    }

    boolean mayBeGone() {
        return promoted;
    }

    void write(Random random, byte[] data) {
        List<Integer> ids = List.copyOf(devices.keySet());
        int volume = ids.get(random.nextInt(ids.size()));
        int size = content(volume).length;
        int length = Math.min(data.length, size);
        int offset = random.nextInt(size - length + 1);
        HostOperation operation =
                new HostOperation(
                        volume,
                        offset,
                        length,
                        Arrays.copyOf(data, length),
                        random.nextInt(4) == 0,
                        () -> {});
        writes.add(operation);
        BlockDevice device = device(volume);
        device.write(offset, operation.buffer(), operation.durable, operation);
        device.submit();
    }

    private BlockDevice device(int volume) {
        BlockDevice device = devices.get(volume);
        if (device == null) {
            throw new AssertionError("the image has no disk " + volume);
        }
        return device;
    }

    private byte[] content(int volume) {
        byte[] content = base.get(volume);
        if (content == null) {
            throw new AssertionError("no volume " + volume);
        }
        return content;
    }

    /** Writes that failed were not applied, or the image is in doubt until the next restart. */
    void settle() {
        for (Iterator<HostOperation> all = writes.iterator(); all.hasNext(); ) {
            HostOperation write = all.next();
            if (write.failure() != null) {
                uncertain = true;
                all.remove();
            }
        }
    }

    /** The content of every volume; null while it is in doubt. */
    @Nullable Map<Integer, byte[]> content() {
        if (uncertain || writes.stream().anyMatch(write -> !write.isDone())) {
            return null;
        }
        return contentAfter(writes.size());
    }

    private Map<Integer, byte[]> contentAfter(int count) {
        Map<Integer, byte[]> content = new TreeMap<>();
        base.forEach((volume, bytes) -> content.put(volume, bytes.clone()));
        for (HostOperation write : writes.subList(0, count)) {
            byte[] target = content.get(write.volume);
            byte[] data = write.data;
            if (target != null && data != null) {
                System.arraycopy(data, 0, target, (int) write.offsetBytes, data.length);
            }
        }
        return content;
    }

    /** Compares with what is read; null when equal, in doubt, or unreadable for a reason. */
    @Nullable String difference(Function<Part, byte @Nullable []> reader) {
        Map<Integer, byte[]> expected = content();
        return expected == null ? null : difference(expected, reader);
    }

    private @Nullable String difference(
            Map<Integer, byte[]> expected, Function<Part, byte @Nullable []> reader) {
        for (var entry : expected.entrySet()) {
            BlockDevice device = device(entry.getKey());
            byte[] actual = reader.apply(new Part(device, entry.getValue().length));
            int at = actual == null ? -1 : Arrays.mismatch(entry.getValue(), actual);
            if (at >= 0) {
                return "volume " + entry.getKey() + " differs at byte " + at;
            }
        }
        return null;
    }

    /**
     * After a restart: the point is the same, and a prefix of the writes is there that holds what
     * was promised.
     */
    @Nullable String recovered(
            Image found, boolean powerLost, Function<Part, byte @Nullable []> reader) {
        check(
                found.point().sequence() == pointSequence(),
                "the image's point moved from " + image.point() + " to " + found.point());
        image = found;
        reopen();
        if (uncertain) {
            return null;
        }
        int floor = floor(powerLost);
        String wrong = "";
        for (int count = writes.size(); count >= floor; count--) {
            wrong = difference(contentAfter(count), reader);
            if (wrong == null) {
                writes.subList(count, writes.size()).clear();
                return null;
            }
        }
        return wrong + " with at least " + floor + " of " + writes.size() + " writes";
    }

    private int floor(boolean powerLost) {
        int floor = 0;
        for (int i = 0; i < writes.size(); i++) {
            HostOperation write = writes.get(i);
            if (write.isAcknowledged() && (!powerLost || write.durable)) {
                floor = i + 1;
            }
        }
        return floor;
    }
}
