package dev.tidemark.replica;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a tap gives out next.
 *
 * @param gap what was left out before the records; null for nothing
 */
public record TappedBatch(@Nullable TappedGap gap, List<TappedRecord> records) {
    public TappedBatch {
        records = List.copyOf(records);
    }
}
