package dev.tidemark.blockdevice.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tidemark.blockdevice.Allocation;
import dev.tidemark.blockdevice.BlockDevice;
import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.RangeStatus;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every writable {@link BlockDevice} promises; subclassed once per implementation. Every test
 * ends with the device closed, every request ended exactly once, every buffer of a write owned by
 * the test alone, and (by {@link #leakedBuffers}) no buffer left behind.
 */
public abstract class BlockDeviceContract {
    /** Size of the device under test: no multiple of a block. */
    protected static final int SIZE_BYTES = (1 << 20) + 1536;

    private final List<Outcome> outcomes = new ArrayList<>();
    private final List<ByteBuf> buffers = new ArrayList<>();

    @SuppressWarnings("NullAway.Init") // made before each test
    private BlockDevice device;

    /** A fresh device of zeros, {@link #SIZE_BYTES} long. */
    protected abstract BlockDevice newDevice() throws Exception;

    /**
     * Lets the device work until nothing is left to do; for devices that run on a simulated
     * scheduler. Real ones need nothing here.
     */
    protected void settle() {}

    /**
     * Power is lost and comes back: the device again, with what was durable; empty when this
     * implementation cannot show it.
     */
    protected Optional<BlockDevice> reopenAfterPowerLoss() throws Exception {
        return Optional.empty();
    }

    /** Grows the device under test to {@code sizeBytes}; false when this implementation cannot. */
    protected boolean grow(long sizeBytes) throws Exception {
        return false;
    }

    /** Buffers the device's allocators have handed out and not got back; called after the close. */
    protected long leakedBuffers() {
        return 0;
    }

    @BeforeEach
    final void makeDevice() throws Exception {
        device = newDevice();
    }

    @AfterEach
    final void everythingEndedOnceAndNothingLeaked() {
        device.close();
        settle();
        for (Outcome outcome : outcomes) {
            outcome.await();
            assertThat(outcome.endCount()).as("ends of one request").isEqualTo(1);
        }
        for (ByteBuf buffer : buffers) {
            assertThat(buffer.refCnt()).as("owners of a write's buffer").isEqualTo(1);
            buffer.release();
        }
        assertThat(leakedBuffers()).as("leaked buffers").isZero();
    }

    @Test
    void aFreshDeviceReadsAsZerosToItsLastByte() {
        assertThat(read(0, SIZE_BYTES)).containsOnly(0);
        assertThat(read(SIZE_BYTES - 1, 1)).containsExactly(0);
        assertThat(device.geometry().sizeBytes()).isEqualTo(SIZE_BYTES);
    }

    @Test
    void aReadSeesEveryWriteCompletedBefore() {
        byte[] data = random(1, 10_000);
        write(4096, data);
        assertThat(read(4096, data.length)).isEqualTo(data);
        assertThat(read(4095, 1)).containsExactly(0);
        assertThat(read(4096 + data.length, 1)).containsExactly(0);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void randomRequestsOfAnyAlignmentAgreeWithAnArray(long seed) {
        Random random = new Random(seed);
        byte[] expected = new byte[SIZE_BYTES];
        for (int step = 0; step < 300; step++) {
            int offset = random.nextInt(SIZE_BYTES);
            int length =
                    random.nextInt(
                            Math.min(random.nextInt(10) == 0 ? 200_000 : 9000, SIZE_BYTES - offset)
                                    + 1);
            switch (random.nextInt(4)) {
                case 0 ->
                        assertThat(read(offset, length))
                                .as("seed %d step %d", seed, step)
                                .isEqualTo(Arrays.copyOfRange(expected, offset, offset + length));
                case 1 -> {
                    ended(zero(offset, length, random.nextBoolean(), random.nextInt(8) == 0));
                    Arrays.fill(expected, offset, offset + length, (byte) 0);
                }
                default -> {
                    byte[] data = random(random.nextLong(), length);
                    write(offset, data);
                    System.arraycopy(data, 0, expected, offset, length);
                }
            }
        }
        assertThat(read(0, SIZE_BYTES)).as("seed %d", seed).isEqualTo(expected);
    }

    @Test
    void requestsOfLengthZeroSucceed() {
        assertThat(read(5, 0)).isEmpty();
        assertThat(read(SIZE_BYTES, 0)).isEmpty();
        write(5, new byte[0]);
        write(SIZE_BYTES, new byte[0]);
        ended(zero(5, 0, true, false)).expectSuccess();
        ended(zero(SIZE_BYTES, 0, false, true)).expectSuccess();
        assertThat(read(0, 10)).containsOnly(0);
    }

    @Test
    void aTrimmedRangeReadsAsZeros() {
        write(0, random(2, 100_000));
        ended(zero(1000, 50_001, true, false)).expectSuccess();
        assertThat(read(1000, 50_001)).containsOnly(0);
        assertThat(read(999, 1)).isEqualTo(Arrays.copyOfRange(random(2, 100_000), 999, 1000));
        assertThat(read(51_001, 1))
                .isEqualTo(Arrays.copyOfRange(random(2, 100_000), 51_001, 51_002));
    }

    @Test
    void aWriteLeavesItsBuffersIndexesAndOwnerAlone() {
        ByteBuf data = Unpooled.buffer().writeZero(7).writeBytes(random(3, 5000)).skipBytes(7);
        buffers.add(data);
        Outcome written = outcome();
        device.write(100, data, false, written);
        device.submit();
        ended(written).expectSuccess();
        assertThat(data.readerIndex()).isEqualTo(7);
        assertThat(data.readableBytes()).isEqualTo(5000);
        assertThat(read(100, 5000)).isEqualTo(random(3, 5000));
    }

    @Test
    void aWritesBufferMayBeReusedOnceItCompleted() {
        ByteBuf data = Unpooled.buffer().writeBytes(random(4, 4096));
        buffers.add(data);
        Outcome written = outcome();
        device.write(0, data, false, written);
        device.submit();
        ended(written).expectSuccess();
        data.setZero(0, 4096);
        assertThat(read(0, 4096)).isEqualTo(random(4, 4096));
    }

    @Test
    void aWholeBatchIsStartedByOneSubmit() {
        List<Outcome> batch = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            batch.add(startWrite(i * 4096L, random(i, 4096), i % 16 == 0));
        }
        batch.add(startFlush());
        device.submit();
        batch.forEach(outcome -> ended(outcome).expectSuccess());
        for (int i = 0; i < 64; i++) {
            assertThat(read(i * 4096L, 4096)).isEqualTo(random(i, 4096));
        }
    }

    @Test
    void overlappingWritesInFlightEndAsOneOfThem() {
        for (int round = 0; round < 20; round++) {
            byte[] first = new byte[20_000];
            byte[] second = new byte[20_000];
            Arrays.fill(first, (byte) 1);
            Arrays.fill(second, (byte) 2);
            Outcome one = startWrite(3000, first, false);
            Outcome two = startWrite(3000, second, false);
            device.submit();
            ended(one).expectSuccess();
            ended(two).expectSuccess();
            byte[] now = read(3000, 20_000);
            assertThat(now).containsOnly(now[0]);
            assertThat(read(3000, 20_000)).as("the order, once chosen, stays").isEqualTo(now);
        }
    }

    @Test
    void submitWithoutRequestsDoesNothing() {
        device.submit();
        device.submit();
        assertThat(read(0, 1)).containsExactly(0);
    }

    @Test
    void aFlushKeepsEveryWriteCompletedBefore() throws Exception {
        byte[] data = random(5, 60_000);
        write(1234, data);
        ended(zero(5000, 100, true, false)).expectSuccess();
        Arrays.fill(data, 5000 - 1234, 5100 - 1234, (byte) 0);
        flush();
        reopen();
        assertThat(read(1234, data.length)).isEqualTo(data);
    }

    @Test
    void aForcedWriteKeepsItself() throws Exception {
        byte[] data = random(6, 10_000);
        Outcome written = startWrite(777, data, true);
        device.submit();
        ended(written).expectSuccess();
        ended(zero(1000, 50, false, true)).expectSuccess();
        Arrays.fill(data, 1000 - 777, 1050 - 777, (byte) 0);
        reopen();
        assertThat(read(777, data.length)).isEqualTo(data);
    }

    @Test
    void aGrownDeviceTakesRequestsUpToItsNewSize() throws Exception {
        write(SIZE_BYTES - 10, random(7, 10));
        long grown = 2L * SIZE_BYTES + 512;
        assumeTrue(grow(grown), "this device does not grow");
        assertThat(device.geometry().sizeBytes()).isEqualTo(grown);
        assertThat(read(SIZE_BYTES - 10, 10)).isEqualTo(random(7, 10));
        assertThat(read(SIZE_BYTES, SIZE_BYTES)).containsOnly(0);
        write(grown - 5000, random(8, 5000));
        assertThat(read(grown - 5000, 5000)).isEqualTo(random(8, 5000));
    }

    /** Block that a trim gives back whole and a hole is told by; 0 for a device that knows none. */
    protected int allocationBytes() {
        return 4096;
    }

    @Test
    void whatWasWrittenIsDataAndAWholeTrimmedBlockAHole() {
        write(64 << 10, random(10, 64 << 10));
        for (long bits : allocation(64 << 10, 64 << 10)) {
            assertThat(bits).isZero();
        }
        ended(zero(64 << 10, 64 << 10, true, false)).expectSuccess();
        assertThat(read(64 << 10, 64 << 10)).containsOnly(0);
        assumeTrue(allocationBytes() > 0, "this device knows no holes");
        for (long bits : allocation(64 << 10, 64 << 10)) {
            assertThat(bits).isEqualTo(Allocation.HOLE | Allocation.ZERO);
        }
        write(64 << 10, random(11, 512));
        assertThat(allocation(64 << 10, 512)).containsOnly(0);
    }

    @Test
    void aFreshDeviceIsAHole() {
        assumeTrue(allocationBytes() > 0, "this device knows no holes");
        assertThat(allocation(0, SIZE_BYTES)).containsOnly(Allocation.HOLE | Allocation.ZERO);
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3})
    void whatIsCalledZeroReadsAsZeros(long seed) {
        Random random = new Random(seed);
        VolumeModel model = new VolumeModel(SIZE_BYTES);
        for (int step = 1; step < 120; step++) {
            int offset = random.nextInt(SIZE_BYTES);
            int length = random.nextInt(Math.min(40_000, SIZE_BYTES - offset) + 1);
            if (random.nextBoolean()) {
                offset &= -4096;
                length &= -4096;
            }
            if (random.nextInt(3) == 0) {
                ended(zero(offset, length, random.nextBoolean(), false)).expectSuccess();
                model.zero(step, offset, length);
            } else {
                byte[] data = random(random.nextLong(), length);
                write(offset, data);
                model.write(step, offset, data);
            }
            int from = random.nextInt(SIZE_BYTES);
            int bytes = 1 + random.nextInt(SIZE_BYTES - from);
            long[] told = allocation(from, bytes);
            byte[] content = new byte[bytes];
            model.readAt(step, from, content);
            for (int i = 0; i < bytes; i++) {
                boolean zero = (told[i] & Allocation.ZERO) != 0;
                assertThat(zero && content[i] != 0)
                        .as("seed %d step %d: byte %d is called zero", seed, step, from + i)
                        .isFalse();
            }
        }
    }

    /** The bits of each byte, asked for in answers of any length. */
    protected final long[] allocation(long offset, int length) {
        long[] bits = new long[length];
        int done = 0;
        for (int count = 1; done < length; count = count % 7 + 1) {
            Outcome told = outcome();
            device.allocation(offset + done, length - done, count, told);
            RangeStatus status = ended(told).expectStatus();
            assertThat(status.offsetBytes()).isEqualTo(offset + done);
            assertThat(status.count()).isBetween(1, count);
            assertThat(status.endBytes()).isLessThanOrEqualTo(offset + length);
            for (int i = 0; i < status.count(); i++) {
                assertThat(i > 0 && status.value(i) == status.value(i - 1))
                        .as("neighbours differ")
                        .isFalse();
                int end = done + (int) status.lengthBytes(i);
                Arrays.fill(bits, done, end, status.value(i));
                done = end;
            }
        }
        return bits;
    }

    @Test
    void prefetchingChangesNothing() {
        write(1000, random(12, 20_000));
        Outcome warmed = outcome();
        device.prefetch(0, SIZE_BYTES, warmed);
        ended(warmed).expectSuccess();
        assertThat(read(1000, 20_000)).isEqualTo(random(12, 20_000));
    }

    @Test
    void requestsInFlightAtACloseFinishAndLaterOnesAreRefused() {
        Outcome inFlight = startWrite(0, random(9, 4096), false);
        device.submit();
        device.close();
        ended(inFlight).expectSuccess();
        device.close();
        Outcome read = outcome();
        device.read(0, 1, read);
        Outcome written = startWrite(0, new byte[1], false);
        Outcome flushed = startFlush();
        device.submit();
        ended(read).expectFailure(ErrorCode.SHUTDOWN);
        ended(written).expectFailure(ErrorCode.SHUTDOWN);
        ended(flushed).expectFailure(ErrorCode.SHUTDOWN);
        ended(zero(0, 1, true, false)).expectFailure(ErrorCode.SHUTDOWN);
        Outcome asked = outcome();
        device.allocation(0, 1, 1, asked);
        ended(asked).expectFailure(ErrorCode.SHUTDOWN);
    }

    /** The device under test. */
    protected final BlockDevice device() {
        return device;
    }

    private void reopen() throws Exception {
        Optional<BlockDevice> reopened = reopenAfterPowerLoss();
        assumeTrue(reopened.isPresent(), "this device's power cannot be cut");
        device = reopened.get();
    }

    /** A completion whose single end the contract checks after the test. */
    protected final Outcome outcome() {
        Outcome outcome = new Outcome();
        outcomes.add(outcome);
        return outcome;
    }

    protected final byte[] read(long offset, int length) {
        Outcome read = outcome();
        device.read(offset, length, read);
        device.submit();
        return ended(read).expectBytes();
    }

    protected final void write(long offset, byte[] data) {
        Outcome written = startWrite(offset, data, false);
        device.submit();
        ended(written).expectSuccess();
    }

    /** Hands a write over without a submit. */
    protected final Outcome startWrite(long offset, byte[] data, boolean fua) {
        ByteBuf buffer = Unpooled.directBuffer(Math.max(1, data.length)).writeBytes(data);
        buffers.add(buffer);
        Outcome written = outcome();
        device.write(offset, buffer, fua, written);
        return written;
    }

    private Outcome zero(long offset, long length, boolean deallocate, boolean fua) {
        Outcome zeroed = outcome();
        device.zero(offset, length, deallocate, fua, zeroed);
        device.submit();
        return zeroed;
    }

    private Outcome startFlush() {
        Outcome flushed = outcome();
        device.flush(flushed);
        return flushed;
    }

    protected final void flush() {
        Outcome flushed = startFlush();
        device.submit();
        ended(flushed).expectSuccess();
    }

    /** Lets the device work and waits for the end. */
    protected final Outcome ended(Outcome outcome) {
        settle();
        return outcome.await();
    }

    /** The same bytes for the same seed. */
    protected static byte[] random(long seed, int length) {
        byte[] data = new byte[length];
        new Random(seed).nextBytes(data);
        return data;
    }
}
