package dev.tidemark.iscsi.scsi;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Vital product data pages (SPC-4 section 7.8, SBC-3 section 6.5). */
final class VitalProductData {
    private static final int[] PAGES = {0x00, 0x80, 0x83, 0x86, 0x87, 0x88, 0x8f, 0xb0, 0xb1, 0xb2};

    private VitalProductData() {}

    static byte[] page(UnitHandle unit, int page) throws ScsiError {
        byte[] content =
                switch (page) {
                    case 0x00 -> supported();
                    case 0x80 -> serial(unit);
                    case 0x83 -> identification(unit);
                    case 0x86 -> extendedInquiry();
                    case 0x87 -> modePagePolicy();
                    case 0x88 -> ports(unit);
                    case 0x8f -> CopyCommands.thirdPartyCopyPage();
                    case 0xb0 -> blockLimits(unit);
                    case 0xb1 -> characteristics(unit);
                    case 0xb2 -> provisioning(unit);
                    default -> throw ScsiError.invalidField(2);
                };
        ByteBuffer data = ByteBuffer.allocate(4 + content.length);
        data.put((byte) 0).put((byte) page).putShort((short) content.length).put(content);
        return data.array();
    }

    private static byte[] supported() {
        byte[] list = new byte[PAGES.length];
        for (int i = 0; i < PAGES.length; i++) {
            list[i] = (byte) PAGES[i];
        }
        return list;
    }

    private static byte[] serial(UnitHandle unit) {
        return unit.description().serial().getBytes(StandardCharsets.US_ASCII);
    }

    /** NAA 3: locally assigned, 60 bits (SPC-4 section 7.8.5.6.4). */
    static long naa(UnitHandle unit) {
        return 0x3L << 60 | unit.description().identifier();
    }

    private static byte[] identification(UnitHandle unit) {
        byte[] port = nulled(unit.nexus().targetPort());
        byte[] device = nulled(unit.nexus().target());
        byte[] serial = serial(unit);
        int portGroup = unit.nexus().portalGroup();
        ByteBuffer data = ByteBuffer.allocate(80 + serial.length + port.length + device.length);
        data.putInt(0x01030008).putLong(naa(unit)); // the unit, NAA
        data.put((byte) 0x02).put((byte) 0x01).put((byte) 0).put((byte) (8 + serial.length));
        data.put(InquiryCommands.padded("TIDEMARK", 8)).put(serial); // the unit, T10 vendor id
        data.putInt(0x51940004).putShort((short) 0).putShort((short) portGroup); // relative port
        data.putInt(0x51950004).putShort((short) 0).putShort((short) portGroup); // port group
        data.putShort((short) 0x5398).put((byte) 0).put((byte) port.length).put(port);
        data.putShort((short) 0x53a8).put((byte) 0).put((byte) device.length).put(device);
        byte[] used = new byte[data.position()];
        data.flip().get(used);
        return used;
    }

    /** Ended by a zero byte and padded to four (SCSI name strings, SPC-4 section 7.8.5.11). */
    private static byte[] nulled(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        byte[] result = new byte[(bytes.length + 1 + 3) / 4 * 4];
        System.arraycopy(bytes, 0, result, 0, bytes.length);
        return result;
    }

    /** HEADSUP, ORDSUP, SIMPSUP; LUICLR: unit attentions end with their I_T nexus. */
    private static byte[] extendedInquiry() {
        byte[] page = new byte[60];
        page[1] = 0x07;
        page[3] = 0x01;
        page[9] = (byte) 252;
        return page;
    }

    /** All pages are shared by all initiators. */
    private static byte[] modePagePolicy() {
        return new byte[] {0x3f, (byte) 0xff, 0, 0};
    }

    private static byte[] ports(UnitHandle unit) {
        byte[] name = nulled(unit.nexus().targetPort());
        ByteBuffer data = ByteBuffer.allocate(12 + 4 + name.length);
        data.putShort((short) 0).putShort((short) unit.nexus().portalGroup());
        data.putShort((short) 0).putShort((short) 0); // no initiator TransportID
        data.putShort((short) 0).putShort((short) (4 + name.length));
        data.putShort((short) 0x5398).put((byte) 0).put((byte) name.length).put(name);
        return data.array();
    }

    /** SBC-3 section 6.5.3. */
    private static byte[] blockLimits(UnitHandle unit) {
        int blockBytes = unit.blockBytes();
        int maximumBlocks = unit.maximumTransferBytes() / blockBytes;
        int granularity = Math.max(1, unit.device().geometry().preferredBytes() / blockBytes);
        int sameBlocks = (int) (ProvisioningCommands.MAXIMUM_SAME_BYTES / blockBytes);
        ByteBuffer page = ByteBuffer.allocate(60);
        page.put(1, (byte) AtomicCommands.MAXIMUM_COMPARE_BLOCKS);
        page.putShort(2, (short) granularity);
        page.putInt(4, maximumBlocks);
        page.putInt(8, Math.min(maximumBlocks, (1 << 20) / blockBytes)); // optimal
        page.putInt(16, ProvisioningCommands.MAXIMUM_UNMAP_BLOCKS);
        page.putInt(20, ProvisioningCommands.MAXIMUM_DESCRIPTORS);
        page.putInt(24, granularity);
        page.putInt(28, 0x80000000); // UGAVALID, alignment 0
        page.putLong(32, sameBlocks); // WRITE SAME
        page.putInt(40, Math.min(maximumBlocks, 0xffff)); // WRITE ATOMIC counts in 16 bits
        return page.array();
    }

    /** SBC-3 section 6.5.2. WABEREQ 01: a read after BLOCK ERASE succeeds. */
    private static byte[] characteristics(UnitHandle unit) {
        byte[] page = new byte[60];
        if (!unit.device().features().rotational()) {
            page[1] = 0x01; // non-rotating
        }
        page[3] = 0x40;
        return page;
    }

    /**
     * SBC-3 section 6.5.4: UNMAP, WRITE SAME 16 and 10 with UNMAP, anchoring; thin. Without
     * thresholds their exponent is 0.
     */
    private static byte[] provisioning(UnitHandle unit) {
        boolean thresholds = unit.device().sharedSpace() != null;
        int exponent = thresholds ? SpaceCounts.exponent(unit.blockBytes()) : 0;
        return new byte[] {(byte) exponent, (byte) 0xe6, 0x02, 0};
    }
}
