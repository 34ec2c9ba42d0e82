package dev.tidemark.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.problem.ProblemException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChapSecretsTest {
    @TempDir private Path folder;

    private Path file(String mode, String text) throws Exception {
        Path file = Files.createTempFile(folder, "chap", "");
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        return file;
    }

    @Test
    void aFileNamesBothSidesOfBothKindsOfSession() throws Exception {
        ChapSecrets read =
                ChapSecrets.read(
                        file(
                                "rw-------",
                                """
                                # comment
                                initiator a aaaaaaaaaaaa

                                  initiator\tb   bbbbbbbbbbbb
                                target t tttttttttttt
                                discovery d dddddddddddd
                                """));
        assertThat(read.session().initiators()).extracting("user").containsExactly("a", "b");
        assertThat(read.session().target()).isNotNull().extracting("user").isEqualTo("t");
        assertThat(read.discovery().initiators()).hasSize(1);
        assertThat(read.discovery().target()).isNull();
        assertThat(read.session().initiators().getLast().secret())
                .isEqualTo("bbbbbbbbbbbb".getBytes(StandardCharsets.UTF_8));
        assertThat(ChapSecrets.read(file("r--------", "")).session().required()).isFalse();
    }

    @Test
    void whatMakesNoSenseIsRefusedWithoutTellingASecret() throws Exception {
        for (String wrong :
                new String[] {
                    "initiator a short-00",
                    "initiator a",
                    "initiator a aaaaaaaaaaaa more",
                    "user a aaaaaaaaaaaa",
                    "initiator a aaaaaaaaaaaa\ninitiator a bbbbbbbbbbbb",
                    "target a aaaaaaaaaaaa\ntarget b bbbbbbbbbbbb",
                    "initiator a aaaaaaaaaaaa\ntarget t aaaaaaaaaaaa",
                    "initiator " + "u".repeat(256) + " aaaaaaaaaaaa",
                    "initiator a " + "a".repeat(256)
                }) {
            Path file = file("rw-------", wrong);
            assertThatThrownBy(() -> ChapSecrets.read(file))
                    .as(wrong)
                    .isInstanceOf(ProblemException.class)
                    .hasMessageContaining(file.toString())
                    .hasMessageNotContaining("aaaa")
                    .hasMessageNotContaining("short");
        }
    }

    @Test
    void aFileThatOthersCanReadIsRefused() throws Exception {
        for (String mode : new String[] {"rw-r-----", "rw----r--", "rw--w----", "rwx------"}) {
            Path file = file(mode, "initiator a aaaaaaaaaaaa");
            assertThatThrownBy(() -> ChapSecrets.read(file)).hasMessageContaining("chmod 600");
        }
        assertThatThrownBy(() -> ChapSecrets.read(folder.resolve("none")))
                .hasMessageContaining("does not exist");
    }
}
