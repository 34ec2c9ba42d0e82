package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.ForeignProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The native library that a gateway unpacks is in its data directory, where it is seen to. */
final class UnpackedLibraryIT {
    private static final String LIBRARY = "libsqlitejdbc.so";

    private static Path folder(GatewayProcess gateway) {
        return gateway.data().resolve("native");
    }

    private static List<Path> libraries(GatewayProcess gateway) throws IOException {
        try (Stream<Path> files = Files.list(folder(gateway))) {
            return files.filter(file -> file.toString().endsWith(LIBRARY)).toList();
        }
    }

    /** The file that the process has loaded, as the kernel knows it. */
    private static Path loaded(GatewayProcess gateway) throws IOException {
        return Files.readAllLines(Path.of("/proc/%d/maps".formatted(gateway.pid()))).stream()
                .filter(line -> line.endsWith(LIBRARY))
                .map(line -> Path.of(line.substring(line.indexOf('/'))))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void however_often_a_gateway_is_killed_there_is_one_library(@TempDir Path home)
            throws Exception {
        try (GatewayProcess gateway = new GatewayProcess(home)) {
            for (int i = 0; i < 4; i++) {
                gateway.start();
                assertThat(libraries(gateway)).containsExactly(loaded(gateway));
                gateway.kill();
                assertThat(libraries(gateway)).as("what a killed one leaves").hasSize(1);
            }
            gateway.start();
            assertThat(
                            PosixFilePermissions.toString(
                                    Files.getPosixFilePermissions(folder(gateway))))
                    .isEqualTo("rwx------");
            Sites.run(gateway, "status");
            assertThat(libraries(gateway)).as("a client unpacks nothing").hasSize(1);
            assertThat(gateway.stop()).isZero();
            assertThat(folder(gateway)).isEmptyDirectory();
            Files.delete(folder(gateway));
            assertThat(gateway.command(List.of("status")).printed()).contains("no gateway runs");
            assertThat(folder(gateway)).doesNotExist();
        }
    }

    @Test
    void a_file_system_that_runs_no_programs_is_no_hindrance(@TempDir Path home) throws Exception {
        LoopDisk disk = new LoopDisk(home, 500 << 20);
        ForeignProgram.run("mount", "-o", "remount,noexec", disk.path().toString());
        try (GatewayProcess gateway = new GatewayProcess(disk.path())) {
            gateway.set("journal.storage_unit", GatewayProcess.quoted("8MiB"));
            gateway.start();
            assertThat(loaded(gateway).startsWith(gateway.data())).isFalse();
            assertThat(gateway.stop()).isZero();
        } finally {
            disk.unmount();
        }
    }
}
