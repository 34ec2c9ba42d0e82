package dev.tidemark.gateway.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** An export as a file that ordinary programs can work on. */
interface Attachment {
    Path file();

    /** Brings what was written to the file to the disk. */
    void flush() throws IOException, InterruptedException;

    /** Lets the export go. */
    void detach() throws IOException, InterruptedException;

    /**
     * How exports become files: through FUSE where that works, else by copying them out and back.
     */
    interface Method {
        Attachment attach(String uri, String name) throws IOException, InterruptedException;

        String describe();

        long diskBytes();
    }

    /**
     * The best way that works here.
     *
     * @param probeUri an export to try it with
     */
    static Method choose(Path scratch, String probeUri) throws InterruptedException {
        if (Tools.find("nbdfuse").isEmpty() || Tools.find("fusermount3").isEmpty()) {
            return new CopyMethod(scratch, "nbdfuse or fusermount3 is missing");
        }
        try {
            Fuse.mount(scratch, probeUri, "probe").detach();
            return new FuseMethod(scratch);
        } catch (IOException e) {
            String reason = String.valueOf(e.getMessage());
            return new CopyMethod(scratch, reason.lines().findFirst().orElse(""));
        }
    }

    /** Mounts exports with nbdfuse. */
    record FuseMethod(Path scratch) implements Method {
        @Override
        public Attachment attach(String uri, String name) throws IOException, InterruptedException {
            return Fuse.mount(scratch, uri, name);
        }

        @Override
        public String describe() {
            return "nbdfuse: disks appear as files, nothing is copied";
        }

        @Override
        public long diskBytes() {
            return 2L << 30;
        }
    }

    /** Copies exports with nbdcopy. */
    record CopyMethod(Path scratch, String reason) implements Method {
        @Override
        public Attachment attach(String uri, String name) throws IOException, InterruptedException {
            Path file = scratch.resolve(name + ".raw");
            Files.deleteIfExists(file);
            Tools.must(scratch, "nbdcopy", uri, file.toString());
            return new Copy(scratch, uri, file);
        }

        @Override
        public String describe() {
            return "nbdcopy: disks are copied out and back (no FUSE here: " + reason + ")";
        }

        @Override
        public long diskBytes() {
            return 128L << 20;
        }
    }

    /** A local copy. */
    record Copy(Path scratch, String uri, Path file) implements Attachment {
        @Override
        public void flush() throws IOException, InterruptedException {
            Tools.must(scratch, "nbdcopy", "--flush", file.toString(), uri);
        }

        @Override
        public void detach() throws IOException {
            Files.deleteIfExists(file);
        }
    }

    /** An nbdfuse mount. */
    final class Fuse implements Attachment {
        private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(15);

        private final Path scratch;
        private final Path mount;
        private final Process process;

        private Fuse(Path scratch, Path mount, Process process) {
            this.scratch = scratch;
            this.mount = mount;
            this.process = process;
        }

        static Attachment mount(Path scratch, String uri, String name)
                throws IOException, InterruptedException {
            Path mount = Files.createDirectories(scratch.resolve("mnt-" + name));
            Path ready = scratch.resolve("nbdfuse-" + name + ".pid");
            Path log = scratch.resolve("nbdfuse-" + name + ".log");
            Files.deleteIfExists(ready);
            Process process =
                    Tools.start(
                            log,
                            "nbdfuse",
                            "-P",
                            ready.toString(),
                            mount.resolve("disk").toString(),
                            uri);
            long deadline = System.nanoTime() + PATIENCE_NANOS;
            while (!Files.exists(ready)) {
                if (process.waitFor(20, TimeUnit.MILLISECONDS) || System.nanoTime() > deadline) {
                    process.destroyForcibly();
                    throw new IOException("nbdfuse failed: " + Files.readString(log).strip());
                }
            }
            return new Fuse(scratch, mount, process);
        }

        @Override
        public Path file() {
            return mount.resolve("disk");
        }

        @Override
        public void flush() throws IOException, InterruptedException {
            Tools.must(scratch, "sync", file().toString());
        }

        @Override
        public void detach() throws IOException, InterruptedException {
            Tools.Outcome outcome = Tools.run(scratch, "fusermount3", "-u", mount.toString());
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException("nbdfuse does not end: " + outcome.firstLine());
            }
        }
    }
}
