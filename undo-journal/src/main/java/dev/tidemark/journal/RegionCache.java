package dev.tidemark.journal;

import org.jspecify.annotations.Nullable;

/**
 * The regions a view has looked up, the least recently used forgotten first when over a bound of
 * bytes. Thread-safe: stripes, each with its own lock and its share of the bound.
 */
final class RegionCache {
    private static final int STRIPES = 16;
    private static final int FIRST_BUCKETS = 16;

    private final Stripe[] stripes = new Stripe[STRIPES];

    RegionCache(long maximumBytes) {
        for (int i = 0; i < STRIPES; i++) {
            stripes[i] = new Stripe(maximumBytes / STRIPES);
        }
    }

    @Nullable UndoRegion get(int volume, long index) {
        int hash = hash(volume, index);
        return stripes[hash & (STRIPES - 1)].get(hash, volume, index);
    }

    /** Keeps a region, unless the one that is kept knows of newer runs. */
    void put(UndoRegion region) {
        int hash = hash(region.volume, region.index);
        stripes[hash & (STRIPES - 1)].put(hash, region);
    }

    void clear() {
        for (Stripe stripe : stripes) {
            stripe.clear();
        }
    }

    long heapBytes() {
        long bytes = 0;
        for (Stripe stripe : stripes) {
            bytes += stripe.heapBytes();
        }
        return bytes;
    }

    private static int hash(int volume, long index) {
        long mixed = (index + ((long) volume << 40)) * 0x9E37_79B9_7F4A_7C15L;
        return (int) (mixed >>> 32);
    }

    /**
     * A chained hash table whose regions are also linked in a queue with second chance: a hit
     * writes next to nothing.
     */
    private static final class Stripe {
        private final long maximumBytes;
        private @Nullable UndoRegion[] buckets = new @Nullable UndoRegion[FIRST_BUCKETS];
        private @Nullable UndoRegion newest;
        private @Nullable UndoRegion oldest;
        private int count;
        private long bytes;

        Stripe(long maximumBytes) {
            this.maximumBytes = maximumBytes;
        }

        private int bucket(int hash) {
            return (hash >>> 4) & (buckets.length - 1);
        }

        synchronized @Nullable UndoRegion get(int hash, int volume, long index) {
            UndoRegion region = find(hash, volume, index);
            if (region != null && !region.used) {
                region.used = true;
            }
            return region;
        }

        private @Nullable UndoRegion find(int hash, int volume, long index) {
            UndoRegion region = buckets[bucket(hash)];
            while (region != null && (region.index != index || region.volume != volume)) {
                region = region.chained;
            }
            return region;
        }

        synchronized void put(int hash, UndoRegion region) {
            UndoRegion known = find(hash, region.volume, region.index);
            if (known != null) {
                if (known.asOfRun >= region.asOfRun) {
                    return;
                }
                remove(known);
            }
            if (count >= buckets.length) {
                grow();
            }
            int bucket = bucket(hash);
            region.chained = buckets[bucket];
            buckets[bucket] = region;
            linkNewest(region);
            count++;
            bytes += region.heapBytes();
            evict();
        }

        /** The oldest goes, unless it was used since it last was the oldest. */
        private void evict() {
            UndoRegion candidate = oldest;
            while (bytes > maximumBytes && candidate != null) {
                if (candidate.used) {
                    candidate.used = false;
                    unlink(candidate);
                    linkNewest(candidate);
                } else {
                    remove(candidate);
                }
                candidate = oldest;
            }
        }

        private void grow() {
            @Nullable UndoRegion[] old = buckets;
            buckets = new @Nullable UndoRegion[old.length * 2];
            for (UndoRegion head : old) {
                UndoRegion region = head;
                while (region != null) {
                    UndoRegion next = region.chained;
                    int bucket = bucket(hash(region.volume, region.index));
                    region.chained = buckets[bucket];
                    buckets[bucket] = region;
                    region = next;
                }
            }
        }

        private void remove(UndoRegion region) {
            int bucket = bucket(hash(region.volume, region.index));
            UndoRegion before = null;
            UndoRegion at = buckets[bucket];
            while (at != null && at != region) {
                before = at;
                at = at.chained;
            }
            if (before == null) {
                buckets[bucket] = region.chained;
            } else {
                before.chained = region.chained;
            }
            region.chained = null;
            unlink(region);
            count--;
            bytes -= region.heapBytes();
        }

        private void linkNewest(UndoRegion region) {
            region.older = newest;
            region.newer = null;
            if (newest == null) {
                oldest = region;
            } else {
                newest.newer = region;
            }
            newest = region;
        }

        private void unlink(UndoRegion region) {
            UndoRegion newer = region.newer;
            UndoRegion older = region.older;
            if (newer == null) {
                newest = older;
            } else {
                newer.older = older;
            }
            if (older == null) {
                oldest = newer;
            } else {
                older.newer = newer;
            }
            region.newer = null;
            region.older = null;
        }

        synchronized void clear() {
            buckets = new @Nullable UndoRegion[FIRST_BUCKETS];
            newest = null;
            oldest = null;
            count = 0;
            bytes = 0;
        }

        synchronized long heapBytes() {
            return bytes + (long) buckets.length * Integer.BYTES;
        }
    }
}
