package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.iscsi.pdu.Crc32c;
import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.pdu.Pdu;
import dev.tidemark.iscsi.pdu.PduDecoder;
import dev.tidemark.iscsi.pdu.RejectReason;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jscsi.parser.OperationCode;
import org.jscsi.parser.ProtocolDataUnit;
import org.jscsi.parser.ProtocolDataUnitFactory;
import org.jscsi.parser.logout.LogoutRequestParser;
import org.jscsi.parser.scsi.SCSICommandParser;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** Headers, digests and framing. */
final class WireTest {
    private static final long BASE_SEED = Long.getLong("tidemark.seed", 20261125);

    // ---- digests: the examples of RFC 7143 (iSCSI CRC examples, appendix of RFC 3720)

    @Test
    void digests_are_those_of_the_rfc() {
        assertThat(Crc32c.of(Unpooled.wrappedBuffer(new byte[32]))).isEqualTo(0x8a9136aa);
        byte[] ones = new byte[32];
        Arrays.fill(ones, (byte) 0xff);
        assertThat(Crc32c.of(Unpooled.wrappedBuffer(ones))).isEqualTo(0x62a8ab43);
        byte[] rising = new byte[32];
        for (int i = 0; i < rising.length; i++) {
            rising[i] = (byte) i;
        }
        assertThat(Crc32c.of(Unpooled.wrappedBuffer(rising))).isEqualTo(0x46dd794e);
    }

    // ---- headers, held against an encoder of others

    @Test
    void a_command_header_of_jscsi_reads_as_it_was_written() throws Exception {
        ProtocolDataUnit pdu =
                new ProtocolDataUnitFactory()
                        .create(false, true, OperationCode.SCSI_COMMAND, "None", "None");
        pdu.getBasicHeaderSegment().setInitiatorTaskTag(0x01020304);
        SCSICommandParser parser = (SCSICommandParser) pdu.getBasicHeaderSegment().getParser();
        parser.setReadExpectedFlag(true);
        parser.setTaskAttributes(SCSICommandParser.TaskAttributes.SIMPLE);
        parser.setCommandSequenceNumber(77);
        parser.setExpectedStatusSequenceNumber(88);
        parser.setExpectedDataTransferLength(4096);
        Header header = read(pdu);
        assertThat(header.opcode()).isEqualTo(Opcode.SCSI_COMMAND);
        assertThat(header.isFinal()).isTrue();
        assertThat(header.immediate()).isFalse();
        assertThat(header.flags() & 0x40).isNotZero();
        assertThat(header.initiatorTaskTag()).isEqualTo(0x01020304);
        assertThat(header.intAt(20)).isEqualTo(4096);
        assertThat(header.intAt(24)).isEqualTo(77);
        assertThat(header.intAt(28)).isEqualTo(88);
    }

    @Test
    void a_logout_header_of_jscsi_reads_as_it_was_written() throws Exception {
        ProtocolDataUnit pdu =
                new ProtocolDataUnitFactory()
                        .create(true, true, OperationCode.LOGOUT_REQUEST, "None", "None");
        LogoutRequestParser parser = (LogoutRequestParser) pdu.getBasicHeaderSegment().getParser();
        parser.setReasonCode(LogoutRequestParser.LogoutReasonCode.CLOSE_SESSION);
        parser.setCommandSequenceNumber(9);
        Header header = read(pdu);
        assertThat(header.opcode()).isEqualTo(Opcode.LOGOUT);
        assertThat(header.immediate()).isTrue();
        assertThat(header.flags() & 0x7f).isZero();
        assertThat(header.intAt(24)).isEqualTo(9);
    }

    private static Header read(ProtocolDataUnit pdu) throws Exception {
        ByteBuffer bytes = pdu.serialize();
        Header header = new Header();
        bytes.rewind();
        bytes.get(header.bytes());
        return header;
    }

    // ---- framing

    private static final class Collected implements PduDecoder.Sink {
        final List<String> seen = new ArrayList<>();

        @Override
        public void pdu(Pdu pdu) {
            seen.add(
                    "%x %s %s"
                            .formatted(
                                    pdu.header().opcode(),
                                    ByteBufUtil.hexDump(pdu.data()),
                                    pdu.dataIntact()));
            pdu.release();
        }

        @Override
        public boolean wantsMore() {
            return true;
        }

        @Override
        public void malformed(Header header, RejectReason reason, String why) {
            seen.add("malformed " + why);
        }
    }

    private static byte[] stream(Random random, boolean digests) {
        ByteBuf bytes = Unpooled.buffer();
        int count = 1 + random.nextInt(20);
        for (int i = 0; i < count; i++) {
            byte[] data = new byte[random.nextInt(3) == 0 ? 0 : random.nextInt(3000)];
            random.nextBytes(data);
            Header header = Header.of(random.nextInt(7), 0x80);
            header.dataBytes(data.length);
            boolean broken = random.nextInt(10) == 0;
            bytes.writeBytes(header.bytes());
            if (digests) {
                int digest = Crc32c.of(header.bytes(), new byte[0]);
                bytes.writeIntLE(broken && random.nextBoolean() ? digest + 1 : digest);
            }
            bytes.writeBytes(data).writeZero(-data.length & 3);
            if (digests && data.length > 0) {
                int digest = Crc32c.of(Unpooled.wrappedBuffer(data));
                bytes.writeIntLE(broken ? digest ^ 1 : digest);
            }
        }
        return ByteBufUtil.getBytes(bytes);
    }

    private static List<String> decode(byte[] stream, boolean digests, int[] cuts) {
        Collected collected = new Collected();
        PduDecoder decoder = new PduDecoder(PooledByteBufAllocator.DEFAULT, collected, 4096);
        decoder.configure(4096, digests, digests);
        int start = 0;
        for (int cut : cuts) {
            ByteBuf piece = PooledByteBufAllocator.DEFAULT.directBuffer(cut - start + 1);
            piece.writeBytes(stream, start, cut - start);
            decoder.decode(piece);
            assertThat(piece.isReadable()).isFalse();
            piece.release();
            start = cut;
        }
        decoder.end();
        return collected.seen;
    }

    @RepeatedTest(50)
    void pdus_are_the_same_however_the_network_cuts_them(RepetitionInfo repetition) {
        long seed = BASE_SEED + repetition.getCurrentRepetition();
        Random random = new Random(seed);
        boolean digests = random.nextBoolean();
        byte[] stream = stream(random, digests);
        int[] cuts = random.ints(random.nextInt(60), 0, stream.length).sorted().toArray();
        int[] all = Arrays.copyOf(cuts, cuts.length + 1);
        all[cuts.length] = stream.length;
        assertThat(decode(stream, digests, all))
                .as("seed %d", seed)
                .isEqualTo(decode(stream, digests, new int[] {stream.length}));
    }

    @Test
    void a_broken_header_digest_ends_the_stream() {
        Header header = Header.of(Opcode.NOP_OUT, 0x80);
        ByteBuf bytes = Unpooled.buffer().writeBytes(header.bytes()).writeIntLE(1);
        assertThat(decode(ByteBufUtil.getBytes(bytes), true, new int[] {52}))
                .containsExactly("malformed header digest does not match");
    }
}
