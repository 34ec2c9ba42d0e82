package dev.tidemark.replica;

/**
 * Records that a tap did not get, all of them one after the other.
 *
 * @param first sequence number of the first
 * @param last sequence number of the last; the next record that comes is the one after it
 * @param writes of them, hosts' writes and zeros
 * @param bytes that those wrote or zeroed
 */
public record TappedGap(long first, long last, long writes, long bytes) {
    public long records() {
        return last - first + 1;
    }
}
