package dev.tidemark.iscsi.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class StepsTest {
    private static final int MANY = 1_000_000;

    private int made;
    private int deepest;
    private int depth;

    @Test
    void steps_that_end_at_once_do_not_pile_up_on_the_stack() {
        Steps[] steps = new Steps[1];
        steps[0] =
                new Steps(() -> {
                    depth++;
                    deepest = Math.max(deepest, depth);
                    made++;
                    if (made < MANY) {
                        steps[0].next();
                    }
                    depth--;
                });
        steps[0].next();
        assertThat(made).isEqualTo(MANY);
        assertThat(deepest).isEqualTo(1);
    }
}
