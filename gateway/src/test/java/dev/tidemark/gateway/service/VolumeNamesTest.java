package dev.tidemark.gateway.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.catalogue.Catalogue;
import dev.tidemark.gateway.problem.ProblemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who gets which name, with groups on files and the real catalogue. */
final class VolumeNamesTest {
    private static final UUID SOURCE = new UUID(1, 1);
    private static final UUID COPY = new UUID(2, 2);

    @TempDir private Path folder;

    private Catalogue catalogue;
    private TestGroups site;

    @BeforeEach
    void open() throws Exception {
        catalogue = Catalogue.open(folder.resolve("catalogue.sqlite"));
        site = new TestGroups(folder, catalogue);
    }

    @AfterEach
    void close() {
        site.close();
        catalogue.close();
    }

    private VolumeNames names() {
        return site.groups().volumeNames();
    }

    private Map<Integer, String> choose(Map<Integer, String> wanted) {
        return names().choose(COPY, "paris", wanted);
    }

    private void refuses(String name) {
        assertThatThrownBy(() -> names().reserve(name))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("a volume of that name exists: \"" + name + "\"");
    }

    @Test
    void aNameIsGivenOnceInUpperAndLowerCaseAlike() {
        site.create("shop", "Disk");
        refuses("dISK");

        names().reserve("New");
        refuses("nEW");
        names().release("neW");
        names().reserve("NEW");
    }

    @Test
    void whatAGroupThatCouldNotBeOpenedHadStaysTakenInEitherCase() throws Exception {
        Group shop = site.create("shop", "Disk");
        site.close();
        Files.move(folder.resolve("groups/" + shop.row().id()), folder.resolve("aside"));
        site = new TestGroups(folder, catalogue);
        assertThat(site.groups().unopened()).hasSize(1);

        refuses("Disk");
        refuses("disk");
        assertThat(choose(Map.of(1, "disk"))).containsExactly(Map.entry(1, "disk-paris"));
    }

    @Test
    void aCopysVolumesAreNamedAsTheirSourceDoesUnlessAnotherVolumeIs() {
        site.create("shop", "data", "log", "log-paris");

        assertThat(choose(Map.of(1, "free", 2, "DATA", 3, "log")))
                .containsExactly(
                        Map.entry(1, "free"),
                        Map.entry(2, "DATA-paris"),
                        Map.entry(3, "log-paris-2"));
    }

    @Test
    void noTwoVolumesOfACopyGetTheSameName() {
        Map<Integer, String> given = choose(Map.of(1, "data", 2, "Data", 3, "DATA"));

        assertThat(given.values().stream().map(name -> name.toLowerCase(Locale.ROOT)))
                .doesNotHaveDuplicates()
                .hasSize(3)
                .contains("data");
    }

    @Test
    void aNameThatIsMadeHasAtMost63CharactersAndIsTheOnlyOne() {
        String peer = "p".repeat(63);
        String longest = "v".repeat(255);
        site.create("shop", "v".repeat(63), "data");

        assertThat(names().choose(COPY, "paris", Map.of(1, longest)))
                .as("a name that is free is kept as it is")
                .containsExactly(Map.entry(1, longest));
        assertThat(names().choose(COPY, peer, Map.of(1, "v".repeat(63))))
                .containsExactly(Map.entry(1, "v".repeat(31) + "-" + "p".repeat(31)));
        assertThat(names().choose(COPY, peer, Map.of(1, "data", 2, "DATA")).values())
                .allSatisfy(name -> assertThat(name).hasSizeLessThanOrEqualTo(63))
                .doesNotHaveDuplicates();
    }

    @Test
    void namesStayReservedUntilTheyAreUsedOrThatHasFailed() {
        site.create("shop", "data");
        CompletableFuture<Void> used = new CompletableFuture<>();
        CompletableFuture<Void> done =
                names().forCopy(
                                COPY,
                                "paris",
                                Map.of(1, "data", 2, "log"),
                                given -> {
                                    assertThat(given)
                                            .containsExactly(
                                                    Map.entry(1, "data-paris"),
                                                    Map.entry(2, "log"));
                                    return used;
                                });
        refuses("data-paris");
        refuses("LOG");
        assertThat(choose(Map.of(1, "log"))).containsExactly(Map.entry(1, "log-paris"));

        used.completeExceptionally(new IllegalStateException("the disk is full"));
        assertThat(done).isCompletedExceptionally();
        names().reserve("data-paris");
        names().reserve("log");
    }

    @Test
    void namesAreFreeAgainWhenNothingCameOfThem() {
        CompletableFuture<Void> done =
                names().forCopy(
                                COPY,
                                "paris",
                                Map.of(1, "data"),
                                given -> {
                                    throw new IllegalStateException("the copy is gone");
                                });

        assertThat(done).isCompletedExceptionally();
        names().reserve("data");
    }

    @Test
    void aVolumeThatTheSourceHasDeletedMakesWayForAnotherOfItsName() {
        site.copy(COPY, "shop", SOURCE, "paris", 0, Map.of(1, "data"));

        assertThat(choose(Map.of(2, "data"))).containsExactly(Map.entry(2, "data"));
        refuses("data");
    }

    @Test
    void aVolumeThatHasItsNameHereOnlyMakesNoWay() {
        site.create("here", "data");
        Group copy = site.copy(COPY, "shop", SOURCE, "paris", 0, Map.of(1, "data"));
        assertThat(volumes(copy)).containsExactly("data-paris");

        assertThat(choose(Map.of(1, "data")))
                .as("its own name, once more")
                .containsExactly(Map.entry(1, "data-paris"));
        assertThat(choose(Map.of(2, "data-paris")))
                .containsExactly(Map.entry(2, "data-paris-paris"));
    }

    @Test
    void neitherDoesOneWithANumberBehindALongSitesName() {
        String peer = "p".repeat(63);
        String made = "data-" + "p".repeat(31);
        site.create("here", "data", made);
        Group copy = site.copy(COPY, "shop", SOURCE, peer, 0, Map.of(1, "data"));
        String numbered = "data-" + "p".repeat(29) + "-2";
        assertThat(volumes(copy)).containsExactly(numbered);

        assertThat(names().choose(COPY, peer, Map.of(2, numbered)).get(2)).isNotEqualTo(numbered);
    }

    private static List<String> volumes(Group group) {
        return group.engine().volumes().stream().map(volume -> volume.name()).toList();
    }
}
