package dev.tidemark.iscsi.text;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/**
 * Puts together a text that came in several PDUs with the C bit set (RFC 7143 section 6.2), up to a
 * number of bytes and of PDUs.
 */
public final class TextCollector {
    private final int maximumBytes;
    private final int maximumPdus;
    private byte[] text = {};
    private int pdus;

    public TextCollector(int maximumBytes, int maximumPdus) {
        this.maximumBytes = maximumBytes;
        this.maximumPdus = maximumPdus;
    }

    /** Adds a data segment, whose owner stays the caller. */
    public void add(ByteBuf data) throws TextException {
        int addedBytes = data.readableBytes();
        if (++pdus > maximumPdus) {
            throw new TextException("text in more than " + maximumPdus + " PDUs");
        }
        if (text.length + addedBytes > maximumBytes) {
            throw new TextException("text of more than " + maximumBytes + " bytes");
        }
        byte[] longer = Arrays.copyOf(text, text.length + addedBytes);
        data.getBytes(data.readerIndex(), longer, text.length, addedBytes);
        text = longer;
    }

    /** The whole text; the collector is empty afterwards. */
    public byte[] take() {
        byte[] whole = text;
        text = new byte[0];
        pdus = 0;
        return whole;
    }

    /** Nothing was added since the last {@link #take}. */
    public boolean isEmpty() {
        return pdus == 0;
    }
}
