package dev.tidemark.gateway.protection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import dev.tidemark.gateway.catalogue.HandoverRow;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.service.Engine;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.TestGroups;
import dev.tidemark.gateway.sites.FakeNetwork;
import dev.tidemark.gateway.sites.TestSite;
import dev.tidemark.gateway.wire.Requests.InitSite;
import dev.tidemark.gateway.wire.Requests.InviteSite;
import dev.tidemark.gateway.wire.Requests.PairSite;
import dev.tidemark.journal.PointSpec;
import dev.tidemark.replica.link.LinkException;
import dev.tidemark.replica.ship.SiteMessages;
import dev.tidemark.replica.ship.SiteMessages.Question;
import io.netty.buffer.Unpooled;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two sites with groups on files and real catalogues: one has its copy at the other deleted. */
final class RemovalsTest {
    private static final UUID ANOTHER = new UUID(3, 3);

    private final SimulatedScheduler scheduler = new SimulatedScheduler(7);
    private final FakeNetwork network = new FakeNetwork(scheduler);

    private Place berlin;
    private Place paris;
    private Group shop;

    /** A site, as far as copies are deleted there and elsewhere. */
    private static final class Place implements AutoCloseable {
        final TestSite site;
        final TestGroups groups;
        HandoverRows handovers;
        Removals removals;

        /** Happens before a peer is answered. */
        Runnable beforeAnswer = () -> {};

        Place(Path folder, SimulatedScheduler scheduler, FakeNetwork network) throws Exception {
            site = new TestSite(folder, scheduler, network);
            groups = new TestGroups(folder, site.catalogue);
            restart();
            site.services.method(
                    SiteMessages.METHOD_DELETE,
                    (link, body) -> {
                        beforeAnswer.run();
                        try {
                            removals.delete(link.peer(), Question.decode(body));
                            return CompletableFuture.completedFuture(Unpooled.EMPTY_BUFFER);
                        } catch (LinkException refused) {
                            return CompletableFuture.failedFuture(refused);
                        }
                    });
        }

        /** What is known is what the catalogue has. */
        void restart() {
            handovers = new HandoverRows(site.catalogue.protections());
            removals =
                    new Removals(
                            groups.groups(),
                            site.sites,
                            site.catalogue.protections(),
                            new Peering(site.sites),
                            handovers,
                            site.clock);
            removals.open();
        }

        UUID id() {
            return UUID.fromString(site.sites.site().id());
        }

        boolean has(UUID group) {
            boolean folder = Files.exists(site.folder.resolve("groups/" + group));
            boolean row =
                    site.catalogue.groups().stream().anyMatch(each -> each.id().equals(group));
            assertThat(row).as("its row and its folder").isEqualTo(folder);
            return folder;
        }

        @Override
        public void close() {
            groups.close();
            site.close();
        }
    }

    @BeforeEach
    void start(@TempDir Path folder) throws Exception {
        scheduler.jumpWallClock(Duration.ofDays(20_000).toSeconds() * 1_000_000);
        berlin = new Place(Files.createDirectory(folder.resolve("b")), scheduler, network);
        paris = new Place(Files.createDirectory(folder.resolve("p")), scheduler, network);
        berlin.site.sites.init(new InitSite("berlin", "127.0.0.1:7118", null));
        paris.site.sites.init(new InitSite("paris", null, null));
        String token = berlin.site.sites.invite(new InviteSite(null)).token();
        paris.site.sites.pair(new PairSite(token, null));
        network.beat();
        shop = berlin.groups.create("shop", "disk");
    }

    @AfterEach
    void stop() {
        berlin.close();
        paris.close();
    }

    private UUID id() {
        return shop.row().id();
    }

    private Group copyAtParis(UUID source, int tenure) {
        return paris.groups.copy(id(), "shop", source, "berlin", tenure, Map.of(1, "disk"));
    }

    private void begin() {
        berlin.removals.begin(shop, paris.id());
    }

    private boolean isToGo() {
        boolean known = berlin.removals.find(id(), paris.id()).isPresent();
        assertThat(berlin.site.catalogue.protections().removals()).hasSize(known ? 1 : 0);
        return known;
    }

    private String reason() {
        return berlin.removals.find(id(), paris.id()).orElseThrow().reason();
    }

    @Test
    void aCopyIsDeletedWithItsVolumesAndNothingIsAskedAnyMore() {
        copyAtParis(berlin.id(), 0);
        begin();
        assertThat(isToGo()).isTrue();
        assertThat(paris.has(id())).as("it has not been asked for").isTrue();

        berlin.removals.look();

        assertThat(paris.has(id())).isFalse();
        assertThat(paris.groups.groups().all()).isEmpty();
        assertThat(isToGo()).isFalse();
        assertThat(berlin.has(id())).as("the group itself stays").isTrue();
    }

    @Test
    void itIsAskedForUntilThereIsALinkAlsoAfterARestartAndWhenTheGroupHasGone() {
        copyAtParis(berlin.id(), 0);
        berlin.site.sites.link(paris.id()).orElseThrow().close("cut");
        begin();
        berlin.removals.look();
        assertThat(isToGo()).isTrue();
        assertThat(reason()).contains("there is no link");

        Engine.await(shop.engine().removeVolume(1));
        berlin.groups.groups().delete("shop", false);
        berlin.restart();
        assertThat(isToGo()).isTrue();
        assertThat(berlin.removals.of(id())).hasSize(1);
        network.beat();
        berlin.removals.look();

        assertThat(isToGo()).isFalse();
        assertThat(paris.has(id())).isFalse();
    }

    @Test
    void whatIsToGoIsNotProtectedAnewAndItsPeerIsInUse() {
        copyAtParis(berlin.id(), 0);
        assertThatCode(() -> berlin.removals.requireNone(shop, paris.id()))
                .doesNotThrowAnyException();
        begin();

        assertThatThrownBy(() -> berlin.removals.requireNone(shop, paris.id()))
                .isInstanceOf(ProblemException.class)
                .hasMessageContainingAll("the copy of group shop there is being deleted", "paris");
        assertThat(berlin.removals.uses(paris.id())).containsExactly("shop");
        assertThat(berlin.removals.uses(ANOTHER)).isEmpty();

        berlin.removals.forget(id(), paris.id());
        berlin.removals.look();
        assertThat(isToGo()).isFalse();
        assertThat(paris.has(id())).as("it was left there").isTrue();
    }

    @Test
    void aCopyOfAnotherSitesStays() {
        copyAtParis(ANOTHER, 0);
        begin();

        berlin.removals.look();

        assertThat(paris.has(id())).isTrue();
        assertThat(isToGo()).isFalse();
    }

    @Test
    void aCopyInAGreaterTenureThanTheAskingSiteKnowsStays() {
        copyAtParis(berlin.id(), 1);
        begin();

        berlin.removals.look();

        assertThat(paris.has(id())).isTrue();
        assertThat(isToGo()).isFalse();
    }

    @Test
    void aGroupThatWasTakenOverStays() {
        Group copy = copyAtParis(berlin.id(), 0);
        begin();
        Engine.await(copy.engine().takeOver(new PointSpec.Latest(), 1).usable());

        berlin.removals.look();

        assertThat(paris.has(id())).isTrue();
        assertThat(isToGo()).isFalse();
    }

    @Test
    void aCopyThatIsAboutToBeTakenOverStays() {
        copyAtParis(berlin.id(), 0);
        begin();
        paris.handovers.keep(
                new HandoverRow(
                        id(),
                        berlin.id(),
                        HandoverRow.Phase.TAKING,
                        1,
                        HandoverRow.LATEST,
                        "none",
                        0,
                        null,
                        1));

        berlin.removals.look();

        assertThat(paris.has(id())).isTrue();
        assertThat(isToGo()).isFalse();
    }

    @Test
    void aCopyWithATestIsWaitedFor() {
        Group copy = copyAtParis(berlin.id(), 0);
        var _ = Engine.await(copy.engine().startImage(ANOTHER, new PointSpec.Latest()));
        begin();
        berlin.removals.look();
        assertThat(isToGo()).isTrue();
        assertThat(reason()).contains("running tests");
        assertThat(paris.has(id())).isTrue();

        Engine.await(copy.engine().stopImage(ANOTHER, false));
        berlin.removals.look();
        assertThat(isToGo()).isFalse();
        assertThat(paris.has(id())).isFalse();
    }

    @Test
    void whatIsForgottenWhileItIsRefusedIsNotTakenUpAgain() {
        Group copy = copyAtParis(berlin.id(), 0);
        var _ = Engine.await(copy.engine().startImage(ANOTHER, new PointSpec.Latest()));
        begin();
        paris.beforeAnswer = () -> berlin.removals.forget(id(), paris.id());

        berlin.removals.look();

        assertThat(isToGo()).isFalse();
        assertThat(berlin.removals.uses(paris.id())).isEmpty();
    }

    @Test
    void imagesThatArriveGoAsWellButNotThoseOfAnotherSite() {
        paris.groups.arrive(id(), "shop", berlin.id(), "berlin").close();
        UUID other = UUID.randomUUID();
        paris.groups.arrive(other, "other", ANOTHER, "rome").close();
        begin();
        berlin.removals.look();
        assertThat(paris.groups.groups().arrivals())
                .singleElement()
                .satisfies(row -> assertThat(row.group()).isEqualTo(other));
        assertThat(paris.site.folder.resolve("groups/" + id())).doesNotExist();
        assertThat(isToGo()).isFalse();

        assertThatCode(() -> paris.removals.delete(berlin.id(), new Question(other, 0)))
                .as("there is no copy of berlin's")
                .doesNotThrowAnyException();
        assertThat(paris.groups.groups().arrivals()).hasSize(1);
        assertThat(paris.site.folder.resolve("groups/" + other)).exists();
    }

    @Test
    void aPeerThatIsKnownNoLongerIsNotAsked() {
        copyAtParis(berlin.id(), 0);
        begin();
        berlin.site.sites.unpair("paris", true);
        assertThat(isToGo()).isTrue();

        berlin.removals.look();

        assertThat(isToGo()).isFalse();
        assertThat(paris.has(id())).isTrue();
    }
}
