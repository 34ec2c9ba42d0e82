package dev.tidemark.journal;

import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.execution.ThreadScheduler;
import dev.tidemark.storage.FileStorageDirectory;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Appends records in batches of 16 to a log in the folder for temporary files; time for each
 * record. Nothing is forced.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class AppendBenchmark {
    private static final int BATCH = 16;

    @Param({"4096", "65536"})
    public int payloadBytes;

    private final Append[] slots = new Append[BATCH];
    private ByteBuf payload = Unpooled.EMPTY_BUFFER;
    private Path folder = Path.of("");
    private ThreadScheduler scheduler = newScheduler();
    private @Nullable RecordLog log;

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

    private static ThreadScheduler newScheduler() {
        return new ThreadScheduler("bench", 2, (thread, failure) -> failure.printStackTrace());
    }

    /** A log of its own for each iteration: the disk is not to fill. */
    @Setup(Level.Iteration)
    public void open() throws IOException, JournalException {
        folder = Files.createTempDirectory("tidemark-append");
        scheduler = newScheduler();
        payload = Unpooled.directBuffer(payloadBytes).writeZero(payloadBytes);
        for (int i = 0; i < BATCH; i++) {
            slots[i] = new Append();
        }
        log =
                RecordLog.create(
                        RecordLogOptions.redo(RecordLogOptions.DEFAULT_UNIT_BYTES),
                        UUID.randomUUID(),
                        FileStorageDirectory.at(folder),
                        scheduler,
                        new SegmentPool(Long.MAX_VALUE),
                        JournalListener.NONE);
    }

    @TearDown(Level.Iteration)
    public void close() throws Exception {
        for (Append slot : slots) {
            slot.await();
        }
        log().close();
        scheduler.close();
        payload.release();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    private RecordLog log() {
        return Objects.requireNonNull(log);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void append() {
        for (int i = 0; i < BATCH; i++) {
            slots[i].await();
            slots[i].write((long) i * payloadBytes, payload);
            log().stage(slots[i]);
        }
        log().submit();
    }
}
