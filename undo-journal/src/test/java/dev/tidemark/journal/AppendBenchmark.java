package dev.tidemark.journal;

import com.sun.management.ThreadMXBean;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.execution.ThreadScheduler;
import dev.tidemark.storage.FileStorageDirectory;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.UUID;

/**
 * Appends 4 KiB records in batches to a log on a real disk, and prints time and allocation of each
 * record. Arguments: an empty directory, records (default 200,000), batch (16), payload bytes
 * (4096).
 */
public final class AppendBenchmark {
    private AppendBenchmark() {}

    private static final class Append extends PendingRecord {
        private volatile boolean busy;

        /** A record is used again only when it has ended: it may wait for a segment. */
        void await() {
            while (busy) {
                Thread.onSpinWait();
            }
        }

        void write(long offsetBytes, ByteBuf payload) {
            busy = true;
            reset(RecordKind.WRITE, 0, 1, offsetBytes, payload.readableBytes(), payload, false);
        }

        @Override
        protected void appended() {}

        @Override
        protected void completed() {
            busy = false;
        }

        @Override
        protected void failed(BlockDeviceException failure) {
            throw new AssertionError(failure);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Path directory = Path.of(arguments[0]);
        int records = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 200_000;
        int batch = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 16;
        int bytes = arguments.length > 3 ? Integer.parseInt(arguments[3]) : 4096;
        try (ThreadScheduler scheduler =
                        new ThreadScheduler(
                                "bench", 2, (thread, failure) -> failure.printStackTrace());
                RecordLog log =
                        RecordLog.create(
                                RecordLogOptions.redo(RecordLogOptions.DEFAULT_UNIT_BYTES),
                                UUID.randomUUID(),
                                FileStorageDirectory.at(directory),
                                scheduler,
                                new SegmentPool(Long.MAX_VALUE),
                                JournalListener.NONE)) {
            run(log, records / 4, batch, bytes);
            long before = allocated();
            long nanos = run(log, records, batch, bytes);
            System.out.printf(
                    "%d records of %d bytes in batches of %d: %.0f records/s, %d ns and %d bytes"
                            + " allocated per record%n",
                    records,
                    bytes,
                    batch,
                    records * 1e9 / nanos,
                    nanos / records,
                    (allocated() - before) / records);
        }
    }

    private static long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getCurrentThreadAllocatedBytes();
    }

    private static long run(RecordLog log, int records, int batch, int bytes) {
        ByteBuf payload = Unpooled.directBuffer(bytes).writeZero(bytes);
        Append[] slots = new Append[batch];
        for (int i = 0; i < batch; i++) {
            slots[i] = new Append();
        }
        long start = System.nanoTime();
        for (int i = 0; i < records; i++) {
            Append slot = slots[i % batch];
            slot.await();
            slot.write((long) i * bytes, payload);
            log.stage(slot);
            if (i % batch == batch - 1) {
                log.submit();
            }
        }
        log.submit();
        for (Append slot : slots) {
            slot.await();
        }
        long nanos = System.nanoTime() - start;
        payload.release();
        return nanos;
    }
}
