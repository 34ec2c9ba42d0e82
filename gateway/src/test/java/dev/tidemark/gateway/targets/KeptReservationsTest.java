package dev.tidemark.gateway.targets;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.catalogue.Catalogue;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KeptReservationsTest {
    @TempDir private Path folder;

    @Test
    void theStateSavedLastIsThereAfterARestart() {
        Path file = folder.resolve("catalogue");
        try (Catalogue catalogue = Catalogue.open(file);
                ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
            KeptReservations kept = new KeptReservations(catalogue, executor);
            assertThat(kept.keeps()).isTrue();
            assertThat(kept.load(1)).isNull();
            List<CompletableFuture<Void>> saves = new ArrayList<>();
            for (byte state = 0; state < 100; state++) {
                saves.add(kept.save(1, new byte[] {state}).toCompletableFuture());
            }
            saves.add(kept.save(2, new byte[] {7}).toCompletableFuture());
            saves.add(kept.save((1L << 60) - 1, new byte[] {8}).toCompletableFuture());
            saves.add(kept.save(2, new byte[0]).toCompletableFuture());
            saves.forEach(CompletableFuture::join);
            assertThat(kept.load(1)).containsExactly(99);
        }
        try (Catalogue catalogue = Catalogue.open(file)) {
            KeptReservations kept = new KeptReservations(catalogue, Runnable::run);
            assertThat(kept.load(1)).containsExactly(99);
            assertThat(kept.load(2)).isNull();
            assertThat(kept.load((1L << 60) - 1)).containsExactly(8);
        }
    }

    @Test
    void whoCannotSaveIsToldAndTheNextIsTriedAnew() {
        KeptReservations kept;
        try (Catalogue catalogue = Catalogue.open(folder.resolve("catalogue"))) {
            kept = new KeptReservations(catalogue, Runnable::run);
        }
        assertThat(kept.save(1, new byte[] {1}).toCompletableFuture()).isCompletedExceptionally();
        assertThat(kept.save(1, new byte[] {2}).toCompletableFuture()).isCompletedExceptionally();
        assertThat(kept.load(1)).isNull();
    }
}
