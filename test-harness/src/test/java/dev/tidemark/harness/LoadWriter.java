package dev.tidemark.harness;

import static dev.tidemark.harness.BlockModel.BLOCK_BYTES;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.Lock;

/**
 * One connection that writes, zeroes, trims and flushes its own part of a disk until the connection
 * breaks. It writes in batches, each under a shared lock, so that who holds the lock alone finds
 * all writers at rest.
 */
final class LoadWriter implements Runnable {
    private static final int BATCH_REQUESTS = 16;
    private static final int LARGEST_BLOCKS = 8;

    private final NbdTestClient client;
    private final BlockModel model;
    private final int firstBlock;
    private final int blockCount;
    private final Random random;
    private final Lock busy;
    private final CountDownLatch enough;

    /**
     * @param busy held during a batch
     * @param enough counted down with every acknowledgement
     */
    LoadWriter(
            NbdTestClient client,
            BlockModel model,
            int firstBlock,
            int blockCount,
            Random random,
            Lock busy,
            CountDownLatch enough) {
        this.client = client;
        this.model = model;
        this.firstBlock = firstBlock;
        this.blockCount = blockCount;
        this.random = random;
        this.busy = busy;
        this.enough = enough;
    }

    @Override
    public void run() {
        try (client) {
            while (true) {
                busy.lock();
                try {
                    batch();
                } finally {
                    busy.unlock();
                }
            }
        } catch (NbdTestClient.RemoteException e) {
            throw new AssertionError("a write of " + model.name() + " was refused", e);
        } catch (IOException e) {
            // The gateway is dead, as it should be: what was not acknowledged stays in flight.
        }
    }

    private void batch() throws IOException {
        List<CompletableFuture<byte[]>> requests = new ArrayList<>();
        for (int i = 0; i < BATCH_REQUESTS; i++) {
            int blocks = 1 + random.nextInt(LARGEST_BLOCKS);
            int first = firstBlock + random.nextInt(blockCount - blocks);
            if (free(first, blocks)) {
                requests.add(write(first, blocks));
            }
        }
        if (random.nextInt(4) == 0) {
            requests.add(client.startFlush());
        }
        for (CompletableFuture<byte[]> request : requests) {
            NbdTestClient.await(request);
        }
    }

    private boolean free(int first, int blocks) {
        for (int block = first; block < first + blocks; block++) {
            if (model.inFlight(block)) {
                return false;
            }
        }
        return true;
    }

    private CompletableFuture<byte[]> write(int first, int blocks) {
        int write = model.nextWrite();
        model.sent(first, blocks, write);
        long offsetBytes = (long) first * BLOCK_BYTES;
        int lengthBytes = blocks * BLOCK_BYTES;
        CompletableFuture<byte[]> request =
                switch (BlockModel.kind(write)) {
                    case WRITE ->
                            client.startWrite(
                                    offsetBytes,
                                    model.payload(first, blocks, write),
                                    random.nextInt(8) == 0);
                    case ZERO -> client.startZero(offsetBytes, lengthBytes);
                    case TRIM -> client.startTrim(offsetBytes, lengthBytes);
                };
        return request.thenApply(reply -> {
            model.acknowledged(first, blocks, write);
            enough.countDown();
            return reply;
        });
    }
}
