package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;

/**
 * A small Linux machine: Debian's kernel and busybox under QEMU, with the kernel's NBD client,
 * mke2fs and e2fsck. It has no disk of its own, so that every run is a first boot, and it ends with
 * the script that it runs. The host's loopback is {@link #HOST} there. Emulated, never virtualized,
 * so that it runs the same everywhere: a boot takes 3 to 10 s.
 */
final class Guest {
    /** The host's loopback address, as the guest sees it. */
    static final String HOST = "10.0.2.2";

    /**
     * Without cmpxchg16b, which QEMU 7.2 emulates in a way that kernels from 6.12 on do not
     * survive.
     */
    private static final String CPU = "qemu64,-cx16";

    private static final Duration MAKING_LIMIT = Duration.ofMinutes(5);
    private static final Pattern STATUS = Pattern.compile("(?m)^guest-exit-status: (\\d+)\\s*$");

    private final Path image;
    private final Path scratch;

    /** Parts of the image that are unpacked over the first one, and more arguments of QEMU. */
    private final List<String> archives;

    private final List<String> machine;

    private Guest(Path image, Path scratch, List<String> archives, List<String> machine) {
        this.image = image;
        this.scratch = scratch;
        this.archives = archives;
        this.machine = machine;
    }

    /** The same with iSCSI's programs and modules, and with more arguments of QEMU. */
    Guest withIscsi(String... arguments) {
        List<String> all = new ArrayList<>(List.of("-m", "512"));
        all.addAll(List.of(arguments));
        return new Guest(image, scratch, List.of("iscsi.gz"), all);
    }

    /** What a script left. */
    record Outcome(int status, String output) {
        /** Expects the status 0 and returns the output. */
        String expectSuccess() {
            assertThat(status)
                    .as("the guest's script ends well; its console:%n%s", output)
                    .isZero();
            return output;
        }
    }

    /** Makes the guest's image unless it is made; scratch is where each run's files go. */
    static Guest prepare(Path scratch) throws IOException, InterruptedException {
        Path script = ProjectFiles.root().resolve("scripts/guest-image");
        try (ForeignProgram maker = ForeignProgram.start("bash", script.toString())) {
            List<String> printed = maker.expectSuccess(MAKING_LIMIT).lines().toList();
            return new Guest(Path.of(printed.getLast()), scratch, List.of(), List.of("-m", "256"));
        }
    }

    /**
     * Boots, runs a shell script and powers off. A guest that takes longer than the limit fails the
     * test.
     */
    Outcome run(String script, Duration limit) throws IOException, InterruptedException {
        Path initramfs = Files.createTempFile(scratch, "initramfs", ".gz");
        try (OutputStream out = Files.newOutputStream(initramfs)) {
            Files.copy(image.resolve("initramfs.gz"), out);
            for (String part : archives) {
                Files.copy(image.resolve(part), out);
            }
            out.write(archive("task.sh", script.getBytes(StandardCharsets.UTF_8)));
        }
        try (ForeignProgram machine = boot(initramfs)) {
            return outcome(machine.expectSuccess(limit));
        } finally {
            Files.delete(initramfs);
        }
    }

    private ForeignProgram boot(Path initramfs) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "qemu-system-x86_64",
                                "-accel",
                                "tcg",
                                "-cpu",
                                CPU,
                                "-nodefaults",
                                "-no-user-config",
                                "-display",
                                "none",
                                "-no-reboot",
                                "-serial",
                                "stdio",
                                "-kernel",
                                image.resolve("vmlinuz").toString(),
                                "-initrd",
                                initramfs.toString(),
                                "-append",
                                "console=ttyS0 quiet panic=-1",
                                "-netdev",
                                "user,id=net",
                                "-device",
                                "virtio-net-pci,netdev=net"));
        command.addAll(machine);
        return ForeignProgram.start(command.toArray(String[]::new));
    }

    private static Outcome outcome(String console) {
        List<MatchResult> found = STATUS.matcher(console).results().toList();
        assertThat(found).as("the guest's script ends; its console:%n%s", console).isNotEmpty();
        return new Outcome(Integer.parseInt(found.getLast().group(1)), console);
    }

    /**
     * One file as a compressed "newc" archive, which the kernel unpacks over what came before it.
     */
    private static byte[] archive(String name, byte[] content) throws IOException {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(archive)) {
            writeMember(out, name, 0100755, content);
            writeMember(out, "TRAILER!!!", 0, new byte[0]);
        }
        return archive.toByteArray();
    }

    // Documentation/driver-api/early-userspace/buffer-format.rst: a magic and 13 numbers of 8
    // hexadecimal digits; name and data padded to 4.
    private static void writeMember(OutputStream out, String name, int mode, byte[] content)
            throws IOException {
        int[] numbers = {1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length() + 1, 0};
        StringBuilder header = new StringBuilder("070701");
        for (int number : numbers) {
            header.append(String.format(Locale.ROOT, "%08X", number));
        }
        header.append(name).append('\0');
        writePadded(out, header.toString().getBytes(StandardCharsets.US_ASCII));
        writePadded(out, content);
    }

    private static void writePadded(OutputStream out, byte[] bytes) throws IOException {
        out.write(bytes);
        out.write(new byte[-bytes.length & 3]);
    }
}
