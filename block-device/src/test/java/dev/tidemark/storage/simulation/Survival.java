package dev.tidemark.storage.simulation;

import java.util.Arrays;
import java.util.Random;
import java.util.function.IntFunction;

/** Which changes that were not forced a power loss, or a failed force, leaves on the medium. */
final class Survival {
    /** Everything survives: a force that succeeds. */
    static final Survival EVERYTHING = new Survival(count -> filled(count, true));

    private final IntFunction<boolean[]> sectors;

    private Survival(IntFunction<boolean[]> sectors) {
        this.sectors = sectors;
    }

    /**
     * A random outcome: now and then everything or nothing survives, mostly each change has a fate
     * of its own.
     */
    static Survival random(Random random) {
        return switch (random.nextInt(8)) {
            case 0 -> EVERYTHING;
            case 1 -> new Survival(count -> filled(count, false));
            default -> new Survival(count -> fate(random, count));
        };
    }

    /** Whether a change that cannot be torn survives. */
    boolean keeps() {
        return sectors.apply(1)[0];
    }

    /** Which of a change's sectors survive. */
    boolean[] keptSectors(int count) {
        return sectors.apply(count);
    }

    /** All kept, all lost, torn after a prefix, or each sector on its own. */
    private static boolean[] fate(Random random, int count) {
        return switch (random.nextInt(8)) {
            case 0, 1, 2 -> filled(count, true);
            case 3, 4 -> filled(count, false);
            case 5 -> {
                boolean[] prefix = filled(count, false);
                Arrays.fill(prefix, 0, random.nextInt(count + 1), true);
                yield prefix;
            }
            default -> {
                boolean[] each = new boolean[count];
                for (int i = 0; i < count; i++) {
                    each[i] = random.nextBoolean();
                }
                yield each;
            }
        };
    }

    private static boolean[] filled(int count, boolean value) {
        boolean[] all = new boolean[count];
        Arrays.fill(all, value);
        return all;
    }
}
