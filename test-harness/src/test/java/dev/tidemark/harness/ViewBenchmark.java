package dev.tidemark.harness;

import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.BlockDeviceException;
import dev.tidemark.blockdevice.ReadCompletion;
import dev.tidemark.journal.history.HistoryGenerator.Shape;
import dev.tidemark.nbd.ExportCatalog;
import dev.tidemark.nbd.ExportDescription;
import dev.tidemark.nbd.ListenAddress;
import dev.tidemark.nbd.NbdClient;
import dev.tidemark.nbd.NbdMetrics;
import dev.tidemark.nbd.NbdServer;
import dev.tidemark.nbd.NbdServerConfig;
import dev.tidemark.nbd.OpenedExport;
import dev.tidemark.replica.PointInTimeView;
import dev.tidemark.storage.FileStorageDirectory;
import dev.tidemark.storage.StorageFile;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Measures what views of a long history cost: opening them, and reading through them against
 * reading gold. All readers take turns in small batches with the same offsets, so that other load
 * on the machine meets them alike; ratios are medians over the batches. Everything read lies in the
 * page cache.
 *
 * <p>As a program: prints tables in Markdown. Arguments: folder (scratch, emptied), intervals,
 * writes of 4 KiB per interval, MiB of the volume.
 */
final class ViewBenchmark {
    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final int VIEWS = 16;
    private static final int BATCHES = 200;
    private static final int WARM_UP_BATCHES = 100;

    private final LongHistory history;
    private final List<Opening> openings = new ArrayList<>();
    private final List<Reading> readings = new ArrayList<>();

    ViewBenchmark(LongHistory history) {
        this.history = history;
    }

    /**
     * How an opening went.
     *
     * @param millis until each view had answered its first read
     * @param allocatedBytes heap allocated by all threads meanwhile: the most that the opening can
     *     have taken at any moment
     */
    record Opening(String what, int views, double millis, long allocatedBytes) {}

    /**
     * How reads went.
     *
     * @param micros median time of a read
     * @param toGold median ratio to reads of the same ranges of the folded live disk: gold, and
     *     nothing over it
     */
    record Reading(String reader, Place place, Pattern pattern, double micros, double toGold) {
        boolean ofView() {
            return reader.startsWith("view");
        }
    }

    /** Where reads are measured. */
    enum Place {
        ENGINE("in the gateway, CPU time"),
        HOST("over NBD, 16 in flight");

        final String text;

        Place(String text) {
            this.text = text;
        }

        /**
         * CPU time of the reading thread, system calls included, where nothing waits; else the time
         * that passes.
         */
        long nanos() {
            return this == ENGINE ? THREADS.getCurrentThreadCpuTime() : System.nanoTime();
        }
    }

    /** What is read. */
    enum Pattern {
        RANDOM_4K("random 4 KiB", 4 << 10, 1000),
        SEQUENTIAL_64K("sequential 64 KiB", 64 << 10, 128);

        final String text;
        final int bytes;
        final int batch;

        Pattern(String text, int bytes, int batch) {
            this.text = text;
            this.bytes = bytes;
            this.batch = batch;
        }

        void offsets(Random random, long sizeBytes, long[] offsets) {
            long slots = sizeBytes / bytes;
            long next = random.nextLong(slots);
            for (int i = 0; i < offsets.length; i++) {
                offsets[i] = next * bytes;
                next = this == RANDOM_4K ? random.nextLong(slots) : (next + 1) % slots;
            }
        }
    }

    // Opening

    /**
     * Opens one view of the oldest snapshot, then 16 views over all the history at once; nothing of
     * it is in memory before.
     */
    void open() throws Exception {
        openAtOnce("first view after a start", List.of(history.snapshots().getFirst()));
        openAtOnce("a second one", List.of(history.snapshots().getFirst()));
        history.reopen();
        openAtOnce("16 views after a start", history.snapshots().subList(0, VIEWS));
    }

    private void openAtOnce(String what, List<LongHistory.Snapshot> snapshots) throws Exception {
        long allocated = allocatedBytes();
        long started = System.nanoTime();
        List<CompletableFuture<PointInTimeView>> opening = new ArrayList<>();
        for (LongHistory.Snapshot snapshot : snapshots) {
            opening.add(history.group().openView(snapshot.point()));
        }
        List<PointInTimeView> views = new ArrayList<>();
        for (CompletableFuture<PointInTimeView> view : opening) {
            views.add(view.get(1, TimeUnit.MINUTES));
        }
        for (PointInTimeView view : views) {
            Reader first = new DeviceReader("", view.device(history.shape().volume()));
            first.read(0, Pattern.RANDOM_4K.bytes);
            first.close();
        }
        double millis = (System.nanoTime() - started) / 1e6;
        openings.add(new Opening(what, views.size(), millis, allocatedBytes() - allocated));
        views.forEach(PointInTimeView::close);
    }

    private static long allocatedBytes() {
        return THREADS.getTotalThreadAllocatedBytes();
    }

    /** Heap that a view of the oldest snapshot keeps once all of it has been read. */
    long retainedBytes() throws Exception {
        try (PointInTimeView view = view(history.snapshots().getFirst());
                Reader reader = new DeviceReader("", view.device(history.shape().volume()))) {
            long before = usedBytes();
            int step = Pattern.SEQUENTIAL_64K.bytes;
            for (long at = 0; at < history.shape().volumeBytes(); at += step) {
                reader.read(at, step);
            }
            return usedBytes() - before;
        }
    }

    private static long usedBytes() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private PointInTimeView view(LongHistory.Snapshot snapshot) throws Exception {
        return history.group().openView(snapshot.point()).get(1, TimeUnit.MINUTES);
    }

    // Reading

    /** One of those that take turns. */
    private interface Reader extends AutoCloseable {
        String name();

        void read(long offsetBytes, int lengthBytes) throws Exception;

        default void readAll(long[] offsets, int lengthBytes) throws Exception {
            for (long offset : offsets) {
                read(offset, lengthBytes);
            }
        }

        @Override
        void close();
    }

    /** As a host reads: over NBD, several requests at a time. */
    private record HostReader(String name, NbdTestClient client) implements Reader {
        private static final int IN_FLIGHT = 16;

        @Override
        public void read(long offsetBytes, int lengthBytes) throws Exception {
            client.read(offsetBytes, lengthBytes);
        }

        @Override
        public void readAll(long[] offsets, int lengthBytes) throws Exception {
            Deque<CompletableFuture<byte[]>> reads = new ArrayDeque<>();
            for (long offset : offsets) {
                reads.add(client.startRead(offset, lengthBytes));
                if (reads.size() == IN_FLIGHT) {
                    NbdTestClient.await(reads.remove());
                }
            }
            for (CompletableFuture<byte[]> read : reads) {
                NbdTestClient.await(read);
            }
        }

        @Override
        public void close() {
            try {
                client.close();
            } catch (IOException failure) {
                throw new UncheckedIOException(failure);
            }
        }
    }

    /** Serves the devices of a benchmark by their names. */
    private record Exports(Map<String, BlockDevice> devices) implements ExportCatalog {
        @Override
        public CompletionStage<List<ExportDescription>> list(NbdClient client) {
            return CompletableFuture.completedFuture(List.of());
        }

        @Override
        public CompletionStage<OpenedExport> open(NbdClient client, String name, boolean infoOnly) {
            return CompletableFuture.completedFuture(
                    new Export(name, Objects.requireNonNull(devices.get(name))));
        }
    }

    private record Export(String canonicalName, BlockDevice device) implements OpenedExport {
        @Override
        public String description() {
            return "";
        }

        @Override
        public void close() {
            // The benchmark closes its devices.
        }
    }

    /** Through a device, as a server reads. */
    private record DeviceReader(String name, BlockDevice device) implements Reader {
        @Override
        public void read(long offsetBytes, int lengthBytes) throws Exception {
            End end = new End();
            device.read(offsetBytes, lengthBytes, end);
            device.submit();
            end.await();
        }

        @Override
        public void close() {
            device.close();
        }
    }

    /** Spins until the read has ended: what lies in memory has ended before the call returns. */
    private static final class End implements ReadCompletion {
        private volatile boolean ended;
        private volatile @Nullable BlockDeviceException failure;

        @Override
        public void succeeded(ByteBuf data) {
            data.release();
            ended = true;
        }

        @Override
        public void failed(BlockDeviceException cause) {
            failure = cause;
            ended = true;
        }

        void await() throws BlockDeviceException {
            while (!ended) {
                Thread.onSpinWait();
            }
            BlockDeviceException cause = failure;
            if (cause != null) {
                throw cause;
            }
        }
    }

    /**
     * Straight from gold's file, through the storage seam, into a buffer as devices allocate it.
     */
    private record FileReader(String name, StorageFile file) implements Reader {
        @Override
        public void read(long offsetBytes, int lengthBytes) throws Exception {
            ByteBuf buffer = PooledByteBufAllocator.DEFAULT.directBuffer(lengthBytes, lengthBytes);
            file.read(offsetBytes, buffer.nioBuffer(0, lengthBytes));
            buffer.release();
        }

        @Override
        public void close() {
            try {
                file.close();
            } catch (Exception failure) {
                throw new AssertionError(failure);
            }
        }
    }

    /**
     * Reads through the live disk, gold's file, and views of different age: in this process, and
     * over NBD as hosts do.
     */
    void read() throws Exception {
        int volume = history.shape().volume();
        Map<String, BlockDevice> devices = new LinkedHashMap<>();
        List<PointInTimeView> views = new ArrayList<>();
        devices.put("live disk, all folded", history.group().openVolume(volume));
        List<LongHistory.Snapshot> snapshots = history.snapshots();
        for (int index : new int[] {snapshots.size() - 2, snapshots.size() / 2, 0}) {
            PointInTimeView view = view(snapshots.get(index));
            views.add(view);
            int back = history.intervals() - snapshots.get(index).interval();
            devices.put("view, " + back + " intervals back", view.device(volume));
        }
        readInProcess(devices);
        readOverNbd(devices);
        devices.values().forEach(BlockDevice::close);
        views.forEach(PointInTimeView::close);
    }

    private void readInProcess(Map<String, BlockDevice> devices) throws Exception {
        List<Reader> readers = new ArrayList<>();
        devices.forEach((name, device) -> readers.add(new DeviceReader(name, device)));
        try (Reader file =
                new FileReader(
                        "gold's file",
                        FileStorageDirectory.at(history.goldFolder()).open("gold.raw"))) {
            readers.add(file);
            for (Pattern pattern : Pattern.values()) {
                measure(Place.ENGINE, pattern, readers);
            }
        }
    }

    private void readOverNbd(Map<String, BlockDevice> devices) throws Exception {
        var loopback = new ListenAddress.Tcp("127.0.0.1", 0);
        try (NbdServer server =
                new NbdServer(
                        NbdServerConfig.listeningOn(loopback),
                        new Exports(devices),
                        NbdMetrics.NONE)) {
            ListenAddress.Tcp bound = (ListenAddress.Tcp) server.start().getFirst();
            InetSocketAddress address =
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), bound.port());
            List<Reader> readers = new ArrayList<>();
            for (String name : devices.keySet()) {
                readers.add(new HostReader(name, NbdTestClient.connect(address, name)));
            }
            for (Pattern pattern : Pattern.values()) {
                measure(Place.HOST, pattern, readers);
            }
            readers.forEach(Reader::close);
        }
    }

    private void measure(Place place, Pattern pattern, List<Reader> readers) throws Exception {
        Random random = new Random(pattern.bytes);
        warm(readers);
        long[][] nanos = new long[readers.size()][BATCHES];
        long[] offsets = new long[pattern.batch];
        for (int batch = -WARM_UP_BATCHES; batch < BATCHES; batch++) {
            pattern.offsets(random, history.shape().volumeBytes(), offsets);
            for (int turn = 0; turn < readers.size(); turn++) {
                int i = (turn + Math.abs(batch)) % readers.size();
                long started = place.nanos();
                readers.get(i).readAll(offsets, pattern.bytes);
                if (batch >= 0) {
                    nanos[i][batch] = place.nanos() - started;
                }
            }
        }
        for (int i = 0; i < readers.size(); i++) {
            double[] ratios = new double[BATCHES];
            double[] micros = new double[BATCHES];
            for (int batch = 0; batch < BATCHES; batch++) {
                ratios[batch] = (double) nanos[i][batch] / nanos[0][batch];
                micros[batch] = nanos[i][batch] / 1e3 / pattern.batch;
            }
            readings.add(
                    new Reading(
                            readers.get(i).name(), place, pattern, median(micros), median(ratios)));
        }
    }

    private void warm(List<Reader> readers) throws Exception {
        int step = Pattern.SEQUENTIAL_64K.bytes;
        for (Reader reader : readers) {
            for (long at = 0; at < history.shape().volumeBytes(); at += step) {
                reader.read(at, step);
            }
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    // Results

    List<Opening> openings() {
        return openings;
    }

    List<Reading> readings() {
        return readings;
    }

    String markdown(long retainedBytes) {
        StringBuilder text = new StringBuilder();
        text.append(
                "| Opening | Views | Until the first reads are answered | Heap allocated meanwhile |\n");
        text.append("|---|--:|--:|--:|\n");
        for (Opening each : openings) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "| %s | %d | %.1f ms | %.1f MiB |\n",
                            each.what,
                            each.views,
                            each.millis,
                            each.allocatedBytes / 1048576.0));
        }
        text.append(
                String.format(
                        Locale.ROOT,
                        "\nHeap kept by a view of the oldest point once all of it was read: %.1f MiB.\n\n",
                        retainedBytes / 1048576.0));
        text.append(
                "| Reader | Measured | Pattern | Median | To the live disk |\n|---|---|---|--:|--:|\n");
        for (Reading each : readings) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "| %s | %s | %s | %.2f us | %.2f |\n",
                            each.reader,
                            each.place.text,
                            each.pattern.text,
                            each.micros,
                            each.toGold));
        }
        return text.toString();
    }

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        int intervals = Integer.parseInt(arguments[1]);
        int writes = Integer.parseInt(arguments[2]);
        Shape shape = new Shape(1, 1, Long.parseLong(arguments[3]) << 20, 4096, writes);
        deleteTree(folder);
        Files.createDirectories(folder);
        long started = System.nanoTime();
        try (LongHistory history = new LongHistory(folder, shape, intervals, VIEWS + 1)) {
            System.out.printf(
                    Locale.ROOT,
                    "%d intervals of %d writes of 4 KiB over %d MiB, made in %.0f s; history %s%n%n",
                    intervals,
                    writes,
                    shape.volumeBytes() >> 20,
                    (System.nanoTime() - started) / 1e9,
                    history.group().status().history());
            ViewBenchmark benchmark = new ViewBenchmark(history);
            benchmark.open();
            long retained = benchmark.retainedBytes();
            benchmark.read();
            System.out.println(benchmark.markdown(retained));
        }
        deleteTree(folder);
    }

    private static void deleteTree(Path folder) throws Exception {
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
