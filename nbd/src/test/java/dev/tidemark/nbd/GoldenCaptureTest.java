package dev.tidemark.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole sessions of real clients are answered byte for byte as they were when captured. */
@Timeout(60)
final class GoldenCaptureTest {

    static Stream<Arguments> captures() throws IOException {
        List<Path> files;
        try (Stream<Path> list = Files.list(GoldenCapture.FOLDER)) {
            files = list.sorted().toList();
        }
        return files.stream().flatMap(file -> transports().map(kind -> Arguments.of(kind, file)));
    }

    /** The captured bytes are plain ones. */
    private static Stream<TestServer.Kind> transports() {
        return Stream.of(TestServer.Kind.values()).filter(kind -> !kind.name().startsWith("TLS"));
    }

    @ParameterizedTest
    @MethodSource("captures")
    void a_captured_session_is_answered_with_the_same_bytes(TestServer.Kind kind, Path file)
            throws IOException {
        GoldenCapture capture = GoldenCapture.read(file);
        try (TestServer server = new TestServer(kind, GoldenCapture.exports(), NbdLimits.DEFAULT);
                RawClient client = server.connect()) {
            for (GoldenCapture.Turn turn : capture.turns()) {
                if (turn.client()) {
                    client.send(HexFormat.of().parseHex(turn.digits()));
                } else {
                    assertThat(client.receiveHex(turn.lengthBytes())).isEqualTo(turn.digits());
                }
            }
            client.expectClosed();
        }
    }

    @Test
    void there_are_captures_of_every_form_of_reply() throws IOException {
        assertThat(captures().count()).isGreaterThanOrEqualTo(5 * transports().count());
    }
}
