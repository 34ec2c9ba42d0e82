package dev.tidemark.gateway.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.service.Uris.Base;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class UrisTest {
    @Test
    void namesAreEncodedWhereAUriNeedsIt() {
        Base tcp = Base.tcp(false, "127.0.0.1:10809");
        assertThat(tcp.of("disk@2026-11-21T02:34:05.120Z"))
                .isEqualTo("nbd://127.0.0.1:10809/disk@2026-11-21T02:34:05.120Z");
        assertThat(tcp.of("a b#c?d%e")).isEqualTo("nbd://127.0.0.1:10809/a%20b%23c%3Fd%25e");
        assertThat(tcp.of("größe")).isEqualTo("nbd://127.0.0.1:10809/gr%C3%B6%C3%9Fe");
        assertThat(Base.tcp(true, "[::1]:1").of("d")).isEqualTo("nbds://[::1]:1/d");
    }

    @Test
    void aSocketsPathIsEncodedAsAValue() {
        assertThat(Base.unix(false, Path.of("/run/a b&c/s+1.sock")).of("d"))
                .isEqualTo("nbd+unix:///d?socket=/run/a%20b%26c/s%2B1.sock");
        assertThat(Base.unix(true, Path.of("/s")).of("")).isEqualTo("nbds+unix:///?socket=/s");
    }
}
