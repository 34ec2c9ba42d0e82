package dev.tidemark.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.catalogue.Catalogue.Purge;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CatalogueTest {
    private static final UUID GROUP = new UUID(1, 2);

    @TempDir private Path folder;

    private Path file() {
        return folder.resolve("catalogue.sqlite");
    }

    private static TestRow running(long drill) {
        return new TestRow(
                0,
                UUID.randomUUID(),
                GROUP,
                "g",
                drill,
                "-5m",
                42,
                1_000,
                "",
                7,
                2_000,
                "me",
                null,
                null,
                "why",
                "",
                0);
    }

    @Test
    void whatWasRecordedIsThereAfterAReopen() {
        GroupRow group = new GroupRow(GROUP, "g", 1, 2, 3, 4, 5, GroupRow.Phase.ACTIVE);
        TestRow test;
        try (Catalogue catalogue = Catalogue.open(file())) {
            catalogue.addGroup(group);
            long drill = catalogue.addDrill(GROUP, "g", "drill", 5, "me");
            test = catalogue.addTest(running(drill));
            assertThat(catalogue.stopTest(test.id(), Verdict.PASSED, "fine", "you", 9, 77))
                    .isTrue();
        }
        try (Catalogue catalogue = Catalogue.open(file())) {
            assertThat(catalogue.groups()).containsExactly(group);
            TestRow read = catalogue.test(test.id()).orElseThrow();
            assertThat(read.verdict()).isEqualTo(Verdict.PASSED);
            assertThat(read.note()).isEqualTo("fine");
            assertThat(read.stoppedMicros()).isEqualTo(9);
            assertThat(read.bytesWritten()).isEqualTo(77);
            assertThat(read.image()).isEqualTo(test.image());
        }
    }

    @Test
    void anEndedTestCannotBeEndedAgain() {
        try (Catalogue catalogue = Catalogue.open(file())) {
            TestRow test = catalogue.addTest(running(catalogue.addDrill(GROUP, "g", "", 5, "me")));
            assertThat(catalogue.stopTest(test.id(), Verdict.FAILED, "", "a", 9, 0)).isTrue();
            assertThat(catalogue.stopTest(test.id(), Verdict.PASSED, "", "b", 10, 0)).isFalse();
            assertThat(catalogue.test(test.id()).orElseThrow().verdict()).isEqualTo(Verdict.FAILED);
        }
    }

    @Test
    void recordsArePurgedOldestFirstAndRunningTestsStay() {
        try (Catalogue catalogue = Catalogue.open(file())) {
            long drill = catalogue.addDrill(GROUP, "g", "", 5, "me");
            TestRow still = catalogue.addTest(running(drill));
            long[] ids = new long[5];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = catalogue.addTest(running(drill)).id();
                catalogue.stopTest(ids[i], Verdict.PASSED, "", "", 100 + i, 0);
            }
            assertThat(catalogue.purgeTests(Purge.beyond(2))).isEqualTo(3);
            assertThat(catalogue.tests(100).stream().map(TestRow::id))
                    .containsExactly(ids[4], ids[3], still.id());
            assertThat(catalogue.purgeTests(new Purge(null, 0, 104, 5))).isEqualTo(1);
            assertThat(catalogue.tests(100).stream().map(TestRow::id))
                    .containsExactly(ids[4], still.id());
        }
    }

    @Test
    void numbersAreNeverGivenTwice() {
        try (Catalogue catalogue = Catalogue.open(file())) {
            long drill = catalogue.addDrill(GROUP, "g", "", 5, "me");
            TestRow test = catalogue.addTest(running(drill));
            catalogue.stopTest(test.id(), Verdict.PASSED, "", "", 100, 0);
            catalogue.purgeTests(Purge.beyond(0));
            long next = catalogue.addDrill(GROUP, "g", "", 6, "me");
            assertThat(next).isGreaterThan(drill);
            assertThat(catalogue.addTest(running(next)).id()).isGreaterThan(test.id());
        }
    }

    @Test
    void tasksLeftRunningAreMarkedInterrupted() {
        try (Catalogue catalogue = Catalogue.open(file())) {
            long task = catalogue.addTask("import", "disk", 1);
            assertThat(catalogue.interruptTasks(2)).isEqualTo(1);
            assertThat(catalogue.task(task).orElseThrow().state()).isEqualTo("interrupted");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aFileThatIsNoCatalogueIsRefusedAndLeftAsItIs(int kind) throws IOException {
        byte[] bytes =
                switch (kind) {
                    case 0 ->
                            "this is a letter, not a database"
                                    .repeat(100)
                                    .getBytes(java.nio.charset.StandardCharsets.US_ASCII);
                    case 1 -> truncatedCatalogue();
                    default -> damagedCatalogue();
                };
        Files.write(file(), bytes);
        assertThatThrownBy(() -> Catalogue.open(file()).close())
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> {
                            assertThat(e.problem().kind()).isEqualTo(ProblemKind.CORRUPT);
                            assertThat(e)
                                    .hasMessageContaining(file().toString())
                                    .hasMessageContaining("restore");
                        });
        assertThat(Files.readAllBytes(file())).isEqualTo(bytes);
    }

    private byte[] catalogueBytes() throws IOException {
        Path other = folder.resolve("other.sqlite");
        try (Catalogue catalogue = Catalogue.open(other)) {
            long drill = catalogue.addDrill(GROUP, "g", "", 5, "me");
            for (int i = 0; i < 200; i++) {
                catalogue.addTest(running(drill));
            }
        }
        return Files.readAllBytes(other);
    }

    private byte[] truncatedCatalogue() throws IOException {
        byte[] bytes = catalogueBytes();
        return java.util.Arrays.copyOf(bytes, bytes.length / 2);
    }

    private byte[] damagedCatalogue() throws IOException {
        byte[] bytes = catalogueBytes();
        byte[] junk = new byte[bytes.length - 4096];
        new Random(5).nextBytes(junk);
        System.arraycopy(junk, 0, bytes, 4096, junk.length);
        return bytes;
    }

    @Test
    void aDatabaseOfAnotherProgramIsRefused() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE shopping (item TEXT)");
        }
        assertThatThrownBy(() -> Catalogue.open(file()).close())
                .hasMessageContaining("a database of something else");
    }

    @Test
    void aCatalogueOfANewerReleaseIsRefused() throws SQLException {
        Catalogue.open(file()).close();
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file());
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA user_version = 99");
        }
        assertThatThrownBy(() -> Catalogue.open(file()).close())
                .hasMessageContaining("newer release")
                .hasMessageContaining("99");
    }
}
