package dev.tidemark.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.foreign.IscsiTestSuite;
import dev.tidemark.foreign.IscsiTestSuite.Ended;
import dev.tidemark.foreign.IscsiTestSuite.Outcome;
import dev.tidemark.gateway.wire.Wire.DrillDocument;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** libiscsi's conformance suite over journaled disks: a volume, and a disk of a recovery test. */
final class IscsiConformanceOfVolumesIT {
    private static final long SIZE_BYTES = 256L << 20;

    /** About media that can be taken out or are read-only. */
    private static final Pattern SKIPPED =
            Pattern.compile("SCSI.(PreventAllow.*|ReadOnly.*|StartStopUnit.Simple)");

    /** docs/reference/iscsi.md says why. */
    private static final Set<String> FAIL =
            Set.of(
                    "iSCSI.iSCSITMF.LUNResetSimpleAsync",
                    "SCSI.WriteSame10.UnmapUntilEnd",
                    "SCSI.GetLBAStatus.UnmapSingle",
                    "SCSI.Sanitize.Reset",
                    "SCSI.WriteSame16.Unmap");

    @TempDir private Path home;

    /** Which disk. */
    enum Served {
        VOLUME,
        TEST
    }

    @ParameterizedTest
    @EnumSource(Served.class)
    @Timeout(value = 10, unit = TimeUnit.MINUTES)
    void a_journaled_disk_passes_what_a_disk_in_memory_does(Served served) throws Exception {
        try (GatewayProcess gateway = new GatewayProcess(home)) {
            gateway.set("iscsi.listen", "[\"127.0.0.1:0\"]");
            gateway.start();
            String url = url(gateway, served);
            List<String> bad = new ArrayList<>();
            for (String test : IscsiTestSuite.tests()) {
                Ended ended = IscsiTestSuite.run(test, url);
                if (!mayEndWith(test, ended.outcome())) {
                    bad.add(test + " " + ended.outcome() + "\n" + ended.printed());
                }
            }
            assertThat(bad).isEmpty();
        }
    }

    /** What the gateway says of the disk; the system chose the port. */
    private static String url(GatewayProcess gateway, Served served) throws Exception {
        List<String> uris = gateway.api().createVolume("disk", SIZE_BYTES, null).uris();
        if (served == Served.TEST) {
            DrillDocument drill = gateway.api().startTests("default", "latest");
            uris = drill.tests().getFirst().exports().getFirst().uris();
        }
        return uris.stream()
                .filter(uri -> URI.create(uri).getScheme().equals("iscsi"))
                .findFirst()
                .orElseThrow();
    }

    private static boolean mayEndWith(String test, Outcome outcome) {
        return switch (outcome) {
            case PASSED -> true;
            case SKIPPED -> SKIPPED.matcher(test).matches();
            case FAILED, HUNG -> FAIL.contains(test);
        };
    }
}
