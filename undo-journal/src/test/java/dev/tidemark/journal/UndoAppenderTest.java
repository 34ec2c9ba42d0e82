package dev.tidemark.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Handing out the undo segments' space while segments are being made. */
final class UndoAppenderTest {
    private final MemoryUndoSegments memory = new MemoryUndoSegments(64 << 10);
    private Runnable whileMaking = () -> {};
    private final UndoSegments segments = intercepted();
    private final UndoAppender appender = new UndoAppender(segments, 0);

    /** The segments in memory, with something happening while the next one is made. */
    private UndoSegments intercepted() {
        return (UndoSegments)
                Proxy.newProxyInstance(
                        UndoSegments.class.getClassLoader(),
                        new Class<?>[] {UndoSegments.class},
                        (proxy, method, arguments) -> {
                            if (method.getName().equals("next")) {
                                Runnable once = whileMaking;
                                whileMaking = () -> {};
                                once.run();
                            }
                            try {
                                return method.invoke(memory, arguments);
                            } catch (InvocationTargetException failure) {
                                throw failure.getCause();
                            }
                        });
    }

    private int reserveMost() throws JournalException {
        UndoStage stage = new UndoStage(segments, appender, 4096, 512);
        appender.reserve(stage, 40 << 10, 40 << 10, 512);
        return appender.segment();
    }

    /** Retention does that while it makes room for the very segment that is being made. */
    @Test
    void anyoneMayAskWhereTheLogStandsWhileASegmentIsMade() throws Exception {
        assertThat(reserveMost()).isEqualTo(1);
        whileMaking =
                () ->
                        assertThat(CompletableFuture.supplyAsync(appender::segment))
                                .succeedsWithin(10, TimeUnit.SECONDS)
                                .isEqualTo(1);
        assertThat(reserveMost()).isEqualTo(2);
    }

    @Test
    void twoWritersThatNeedASegmentAtOnceBothGetOneAndNoneIsLost() throws Exception {
        assertThat(reserveMost()).isEqualTo(1);
        whileMaking =
                () ->
                        assertThat(CompletableFuture.supplyAsync(this::reserveElsewhere))
                                .succeedsWithin(10, TimeUnit.SECONDS)
                                .isEqualTo(2);
        assertThat(reserveMost()).isEqualTo(3);
        assertThat(memory.contents()).containsOnlyKeys(1, 2, 3);
    }

    private int reserveElsewhere() {
        try {
            return reserveMost();
        } catch (JournalException failure) {
            throw new AssertionError(failure);
        }
    }
}
