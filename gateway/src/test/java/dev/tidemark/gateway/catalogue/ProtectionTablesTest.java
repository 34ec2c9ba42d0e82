package dev.tidemark.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ProtectionTablesTest {
    private static final UUID GROUP = new UUID(1, 2);
    private static final UUID PEER = new UUID(3, 4);

    @TempDir private Path folder;

    private Catalogue open() {
        return Catalogue.open(folder.resolve("catalogue.sqlite"));
    }

    @Test
    void what_is_copied_where_is_there_after_a_reopen_until_the_group_goes() {
        ProtectionRow first = new ProtectionRow(GROUP, PEER, 5, true, 70, 9);
        ProtectionRow second = new ProtectionRow(GROUP, new UUID(9, 9), 6, false, 71, 0);
        try (Catalogue catalogue = open()) {
            catalogue.protections().keep(first);
            catalogue.protections().keep(new ProtectionRow(GROUP, new UUID(9, 9), 6, true, 1, 0));
            catalogue.protections().keep(second);
        }
        try (Catalogue catalogue = open()) {
            assertThat(catalogue.protections().protections()).containsExactly(first, second);
            catalogue.protections().removeProtection(GROUP, PEER);
            assertThat(catalogue.protections().protections()).containsExactly(second);
            catalogue.removeGroup(GROUP);
            assertThat(catalogue.protections().protections()).isEmpty();
        }
    }

    @Test
    void a_handover_is_kept_step_by_step() {
        HandoverRow taking =
                new HandoverRow(
                        GROUP,
                        PEER,
                        HandoverRow.Phase.TAKING,
                        3,
                        "latest",
                        "rollback",
                        600_000,
                        null,
                        8);
        try (Catalogue catalogue = open()) {
            catalogue.protections().keep(taking);
        }
        try (Catalogue catalogue = open()) {
            assertThat(catalogue.protections().handovers()).containsExactly(taking);
            catalogue.protections().keep(taking.taken(900L));
            assertThat(catalogue.protections().handovers())
                    .singleElement()
                    .satisfies(row -> {
                        assertThat(row.phase()).isEqualTo(HandoverRow.Phase.TAKEN);
                        assertThat(row.deadlineMicros()).isEqualTo(900);
                        assertThat(row.tenure()).isEqualTo(3);
                    });
            catalogue.removeGroup(GROUP);
            assertThat(catalogue.protections().handovers()).isEmpty();
        }
    }

    @Test
    void an_arrival_becomes_a_group_in_one_step() {
        ArrivalRow arrival = new ArrivalRow(GROUP, "shop", PEER, 4);
        GroupRow row = new GroupRow(GROUP, "shop", 5, 1, 2, 3, 4, GroupRow.Phase.ACTIVE);
        try (Catalogue catalogue = open()) {
            catalogue.protections().addArrival(arrival);
            assertThat(catalogue.protections().arrivals()).containsExactly(arrival);
            catalogue.arrived(row);
        }
        try (Catalogue catalogue = open()) {
            assertThat(catalogue.protections().arrivals()).isEmpty();
            assertThat(catalogue.groups()).containsExactly(row);
        }
    }
}
