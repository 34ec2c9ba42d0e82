package dev.tidemark.gateway.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.problem.ProblemException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class QuantityTextTest {
    @ParameterizedTest
    @CsvSource({
        "512, 512",
        "4K, 4096",
        "4KiB, 4096",
        "4 kB, 4000",
        "10G, 10737418240",
        "10GB, 10000000000",
        "1.5m, 1572864",
        "0, 0",
        "7b, 7"
    })
    void aSizeIsReadWithItsUnit(String text, long bytes) {
        assertThat(ByteSize.parse(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "G",
                "-1",
                "1.5",
                "0.3K",
                "10X",
                "10 G B",
                "9999999P",
                "1e3",
                "iB",
                "5iB"
            })
    void whatIsNoSizeIsRefused(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text)).isInstanceOf(ProblemException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1.00 KiB",
        "10485760, 10.0 MiB",
        "1048575, 1.00 MiB",
        "10737418240, 10.0 GiB",
        "9223372036854775807, 8192 PiB"
    })
    void aSizeIsShownWithThreeDigits(long bytes, String text) {
        assertThat(ByteSize.format(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 1000, 1024, 1536, 67108864, 10737418240L, 1L << 50})
    void theExactTextReadsBack(long bytes) {
        assertThat(ByteSize.parse(ByteSize.exact(bytes))).isEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource({
        "500ms, 500",
        "90s, 90000",
        "1h30m, 5400000",
        "1.5h, 5400000",
        "7d, 604800000",
        "2w, 1209600000"
    })
    void aDurationIsReadWithItsUnits(String text, long millis) {
        assertThat(TimeSpan.parse(text)).isEqualTo(Duration.ofMillis(millis));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "s", "5x", "-5s", "5s!", "1h 30m x"})
    void whatIsNoDurationIsRefused(String text) {
        assertThatThrownBy(() -> TimeSpan.parse(text)).isInstanceOf(ProblemException.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 100, 1000, 60_000, 90_000, 3_600_000, 86_400_000, 5_400_000})
    void theExactDurationReadsBack(long millis) {
        Duration span = Duration.ofMillis(millis);
        assertThat(TimeSpan.parse(TimeSpan.exact(span))).isEqualTo(span);
    }

    @Test
    void aDurationIsShownInAtMostTwoUnits() {
        assertThat(TimeSpan.format(Duration.ofMillis(450))).isEqualTo("450ms");
        assertThat(TimeSpan.format(Duration.ofMillis(12_340))).isEqualTo("12.3s");
        assertThat(TimeSpan.format(Duration.ofMinutes(65))).isEqualTo("1h 5m");
        assertThat(TimeSpan.format(Duration.ofDays(2))).isEqualTo("2d");
        assertThat(TimeSpan.format(Duration.ofSeconds(-3))).isEqualTo("-3.0s");
    }

    @Test
    void aMomentIsShownWithMicroseconds() {
        assertThat(Timestamps.iso(1_795_230_245_678_901L)).isEqualTo("2026-11-21T03:04:05.678901Z");
    }
}
