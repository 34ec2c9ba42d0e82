package dev.tidemark.replica;

import java.util.UUID;

/**
 * How a site took a group over, as other sites need to know it to follow: which of the records of
 * the site before it are its own too, and from which one it went on.
 *
 * @param from the site that was active before
 * @param since that site's number from which on this one has its records, one for one, up to {@code
 *     shipped}; greater than that when it has not
 * @param point that site's number of the record that this one went on from; -1 when it is none of
 *     its numbers
 * @param shipped that site's number of the last record that this one had of it, in order; -1 when
 *     it had none that is known
 * @param last this site's last number before those that nobody else has
 * @param ownPoint this site's number of the point
 */
public record Succession(
        UUID from, long since, long point, long shipped, long last, long ownPoint) {
    /** What {@code since} is when no records are the same one for one. */
    static final long NOWHERE = Long.MAX_VALUE;

    /** Whether the other site's numbers name the point. */
    public boolean isPointKnown() {
        return point >= 0;
    }

    /** Whether this site has that record of the other one under a number that goes with it. */
    boolean has(long ofFrom) {
        return ofFrom >= since && ofFrom <= shipped;
    }

    /** This site's number of such a record. */
    long own(long ofFrom) {
        return last - (shipped - ofFrom);
    }
}
