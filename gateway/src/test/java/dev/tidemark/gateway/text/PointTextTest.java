package dev.tidemark.gateway.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.problem.ProblemException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PointTextTest {
    @Test
    void latestIsTheNewestWrite() {
        assertThat(AskedPoint.parse("latest")).isEqualTo(new AskedPoint.Latest());
    }

    @Test
    void aSequenceNumberIsWrittenWithItsPrefix() {
        assertThat(AskedPoint.parse("seq:42")).isEqualTo(new AskedPoint.Sequence(42));
        assertThat(AskedPoint.parse("seq:0")).isEqualTo(new AskedPoint.Sequence(0));
    }

    @Test
    void aMinusBeginsATimeAgo() {
        assertThat(AskedPoint.parse("-90s")).isEqualTo(new AskedPoint.Ago(Duration.ofSeconds(90)));
        assertThat(AskedPoint.parse("-1h30m"))
                .isEqualTo(new AskedPoint.Ago(Duration.ofMinutes(90)));
        assertThat(AskedPoint.parse("-1d")).isEqualTo(new AskedPoint.Ago(Duration.ofDays(1)));
    }

    @Test
    void aTimeCarriesItsZone() {
        long expected = 1_795_230_245_678_901L;
        assertThat(AskedPoint.parse("2026-11-21T03:04:05.678901Z"))
                .isEqualTo(new AskedPoint.Time(expected));
        assertThat(AskedPoint.parse("2026-11-21T05:04:05.678901+02:00"))
                .isEqualTo(new AskedPoint.Time(expected));
    }

    @Test
    void anythingElseIsACheckpointsName() {
        assertThat(AskedPoint.parse("before-upgrade"))
                .isEqualTo(new AskedPoint.Named("before-upgrade"));
        assertThat(AskedPoint.parse("größe.2")).isEqualTo(new AskedPoint.Named("größe.2"));
    }

    @Test
    void onlyWhatCountsFromNowIsRelative() {
        assertThat(AskedPoint.parse("-5m").relative()).isTrue();
        assertThat(AskedPoint.parse("latest").relative()).isTrue();
        assertThat(AskedPoint.parse("seq:1").relative()).isFalse();
        assertThat(AskedPoint.parse("2026-11-21T03:04:05Z").relative()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "-",
                "-5",
                "-5x",
                "seq:",
                "seq:-1",
                "seq:x",
                "seq:99999999999999999999",
                "2026-11-21",
                "2026-11-21T03:04:05",
                "2026-13-01T00:00:00Z",
                "a b",
                "a/b",
                "a@b",
                ".hidden"
            })
    void aWrongPointIsRefusedWithItsValueAndTheForms(String text) {
        assertThatThrownBy(() -> AskedPoint.parse(text))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> {
                            assertThat(e.problem().value()).isEqualTo(text);
                            assertThat(e.problem().limit()).isNotBlank();
                            assertThat(e.problem().remedy()).isNotBlank();
                        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"latest", "seq:5", "2026-11-21-nightly"})
    void aNewCheckpointIsNotNamedLikeAnotherKindOfPoint(String name) {
        assertThatThrownBy(() -> Names.newCheckpoint(name)).isInstanceOf(ProblemException.class);
    }

    @Test
    void aVolumeIsNotNamedLikeATestsDisk() {
        assertThatThrownBy(() -> Names.volume("test.1.disk"))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("recovery tests");
        assertThat(Names.volume("testdisk")).isEqualTo("testdisk");
    }

    @Test
    void aLongNameIsRefused() {
        assertThat(Names.volume("x".repeat(63))).hasSize(63);
        assertThatThrownBy(() -> Names.volume("x".repeat(64))).isInstanceOf(ProblemException.class);
        assertThatThrownBy(() -> Names.note("x".repeat(1001)))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("1001 characters");
    }
}
