package dev.tidemark.iscsi;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Pdu;
import dev.tidemark.iscsi.pdu.PduDecoder;
import dev.tidemark.iscsi.pdu.RejectReason;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.concurrent.TimeUnit;
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

/** Decodes SCSI command PDUs (RFC 7143 section 11.3), with and without immediate data. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PduDecoderBenchmark {
    private static final int PDUS = 15;

    @Param({"0", "4096"})
    public int dataBytes;

    private final Count count = new Count();
    private final PduDecoder decoder =
            new PduDecoder(UnpooledByteBufAllocator.DEFAULT, count, 64 << 10);
    private final ByteBuf read = Unpooled.directBuffer();

    private static final class Count implements PduDecoder.Sink {
        private long pdus;

        @Override
        public void pdu(Pdu pdu) {
            pdus++;
            pdu.release();
        }

        @Override
        public boolean wantsMore() {
            return true;
        }

        @Override
        public void malformed(Header header, RejectReason reason, String why) {
            throw new AssertionError(why);
        }
    }

    @Setup
    public void encode() {
        for (int i = 0; i < PDUS; i++) {
            read.writeByte(0x01).writeByte(dataBytes == 0 ? 0xc1 : 0xa1).writeZero(2);
            read.writeByte(0).writeMedium(dataBytes).writeLong(0).writeInt(i);
            read.writeInt(4096).writeInt(i).writeInt(1).writeZero(16).writeZero(dataBytes);
        }
    }

    @Benchmark
    @OperationsPerInvocation(PDUS)
    public long decode() {
        read.readerIndex(0);
        decoder.decode(read);
        return count.pdus;
    }
}
