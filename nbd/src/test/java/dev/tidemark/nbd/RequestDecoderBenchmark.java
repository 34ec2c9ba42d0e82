package dev.tidemark.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Decodes one socket read full of requests of 4 KiB; time for each request. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class RequestDecoderBenchmark {
    private static final int REQUESTS = 15;
    private static final int LENGTH = 4096;

    @Param({"READ", "WRITE"})
    public NbdCommand command = NbdCommand.READ;

    private final Count count = new Count();
    private final RequestDecoder decoder =
            new RequestDecoder(UnpooledByteBufAllocator.DEFAULT, false, count);
    private final ByteBuf read = Unpooled.directBuffer();

    private static final class Count implements RequestDecoder.Sink {
        private long requests;

        @Override
        public NbdError check(RequestHeader request) {
            return NbdError.OK;
        }

        @Override
        public boolean admit(RequestHeader request, NbdError verdict) {
            return true;
        }

        @Override
        public void request(RequestHeader request, @Nullable ByteBuf payload) {
            requests++;
            if (payload != null) {
                payload.release();
            }
        }

        @Override
        public void refused(RequestHeader request, NbdError verdict) {
            throw new AssertionError("refused: " + verdict);
        }

        @Override
        public void malformed(String reason) {
            throw new AssertionError(reason);
        }
    }

    /** As proto.md lays out a compact request: magic, flags, type, cookie, offset, length. */
    @Setup
    public void encode() {
        for (int i = 0; i < REQUESTS; i++) {
            read.writeInt(0x25609513).writeShort(0).writeShort(command == NbdCommand.READ ? 0 : 1);
            read.writeLong(i).writeLong((long) i * LENGTH).writeInt(LENGTH);
            if (command == NbdCommand.WRITE) {
                read.writeZero(LENGTH);
            }
        }
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public long decode() {
        read.readerIndex(0);
        decoder.decode(read);
        return count.requests;
    }
}
