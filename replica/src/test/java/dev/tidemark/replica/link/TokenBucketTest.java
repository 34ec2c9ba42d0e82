package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TokenBucketTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    @Test
    void aSecondLetsThroughItsRateAndOneBurst() {
        TokenBucket bucket = new TokenBucket(1000, 0);
        long sent = 0;
        for (long now = 0; now <= SECOND; now += SECOND / 1000) {
            while (bucket.waitNanos(now) == 0) {
                bucket.take(10, now);
                sent += 10;
            }
        }
        assertThat(sent).isBetween(1090L, 1120L);
    }

    @Test
    void aNewLimitCountsAtOnceAndForgetsDebts() {
        TokenBucket bucket = new TokenBucket(1, 0);
        bucket.take(1000, 0);
        assertThat(bucket.waitNanos(0)).isGreaterThan(900 * SECOND);
        bucket.limit(0, 0);
        bucket.take(1000, 0);
        assertThat(bucket.waitNanos(0)).isZero();
    }
}
