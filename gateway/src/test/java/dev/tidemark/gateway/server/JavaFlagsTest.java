package dev.tidemark.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

final class JavaFlagsTest {
    @Test
    void a_gateway_without_the_flag_is_warned_of() {
        assertThat(JavaFlags.check(List.of("-Xmx1g", JavaFlags.NEEDED))).isTrue();
        assertThat(JavaFlags.check(List.of("-Xmx1g"))).isFalse();
    }

    @Test
    void the_launcher_and_the_tests_give_it() throws Exception {
        assertThat(Files.readString(Path.of("../tidemark"))).contains(JavaFlags.NEEDED);
        assertThat(ManagementFactory.getRuntimeMXBean().getInputArguments())
                .contains(JavaFlags.NEEDED);
    }
}
