package dev.tidemark.iscsi.scsi;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/**
 * The mode pages of a disk (SPC-4 section 7.5, SBC-3 section 6.4). What can be changed: D_SENSE and
 * SWP of the control page, and the thresholds of logical block provisioning. Guarded by the unit's
 * lock.
 */
final class ModePages {
    static final int ALL = 0x3f;
    static final int ALL_SUBPAGES = 0xff;

    static final int CURRENT = 0;
    static final int CHANGEABLE = 1;
    static final int DEFAULT = 2;

    private static final int CONTROL = 0x0a;
    private static final int D_SENSE = 0x04;
    private static final int SWP = 0x08;

    private static final int INFORMATIONAL_EXCEPTIONS = 0x1c;
    private static final int PROVISIONING = 0x02;

    private boolean descriptorSense;
    private boolean softwareWriteProtect;
    private Thresholds thresholds = Thresholds.NONE;
    private Thresholds defaultThresholds = Thresholds.NONE;

    boolean descriptorSense() {
        return descriptorSense;
    }

    boolean softwareWriteProtect() {
        return softwareWriteProtect;
    }

    Thresholds thresholds() {
        return thresholds;
    }

    /** The unit knows how full its storage is: offers the page of thresholds, once. */
    void offerThresholds(SpaceCounts counts) {
        if (defaultThresholds.equals(Thresholds.NONE)) {
            defaultThresholds = Thresholds.defaults(counts);
            thresholds = defaultThresholds;
        }
    }

    private boolean hasThresholds() {
        return !defaultThresholds.equals(Thresholds.NONE);
    }

    void reset() {
        descriptorSense = false;
        softwareWriteProtect = false;
        thresholds = defaultThresholds;
    }

    /**
     * Pages as MODE SENSE returns them.
     *
     * @param subpage {@link #ALL_SUBPAGES} for all
     * @return empty when there is no such page
     */
    byte[] read(int page, int subpage, int control) {
        ByteArrayOutputStream pages = new ByteArrayOutputStream();
        boolean all = page == ALL;
        boolean subpages = subpage == ALL_SUBPAGES;
        if (subpage == 0 || subpages) {
            for (int each : new int[] {0x01, 0x08, CONTROL, INFORMATIONAL_EXCEPTIONS}) {
                if (all || page == each) {
                    pages.writeBytes(page(each, control));
                }
            }
        }
        if ((subpages && all) || (page == CONTROL && (subpage == 1 || subpages))) {
            pages.writeBytes(controlExtension(control));
        }
        boolean provisioning =
                page == INFORMATIONAL_EXCEPTIONS && (subpage == PROVISIONING || subpages);
        if (hasThresholds() && ((subpages && all) || provisioning)) {
            pages.writeBytes(provisioning(control));
        }
        return pages.toByteArray();
    }

    private byte[] page(int number, int control) {
        return switch (number) {
            case 0x01 -> errorRecovery(control);
            case 0x08 -> caching(control);
            case CONTROL -> control(control);
            default -> informationalExceptions(control);
        };
    }

    /** SBC-3 section 6.4.8. AWRE: what cannot be read is not our client's to repair. */
    private static byte[] errorRecovery(int control) {
        byte[] page = new byte[12];
        page[0] = 0x01;
        page[1] = 10;
        if (control != CHANGEABLE) {
            page[2] = (byte) 0x80;
        }
        return page;
    }

    /**
     * SBC-3 section 6.4.5. WCE: what is acknowledged survives a crash, what is flushed power loss.
     */
    private static byte[] caching(int control) {
        byte[] page = new byte[20];
        page[0] = 0x08;
        page[1] = 18;
        if (control != CHANGEABLE) {
            page[2] = 0x04;
        }
        return page;
    }

    /** SPC-4 section 7.5.8. */
    private byte[] control(int control) {
        byte[] page = new byte[12];
        page[0] = CONTROL;
        page[1] = 10;
        boolean changeable = control == CHANGEABLE;
        boolean current = control == CURRENT;
        if (changeable || (current && descriptorSense)) {
            page[2] = D_SENSE;
        }
        if (!changeable) {
            page[3] = 0x10; // unrestricted reordering
        }
        if (changeable || (current && softwareWriteProtect)) {
            page[4] = SWP;
        }
        return page;
    }

    /** SPC-4 section 7.5.9. */
    private static byte[] controlExtension(int control) {
        byte[] page = new byte[32];
        page[0] = 0x40 | CONTROL;
        page[1] = 0x01;
        page[3] = 28;
        if (control != CHANGEABLE) {
            page[6] = (byte) 252; // longest sense data
        }
        return page;
    }

    /** SPC-4 section 7.5.11: nothing is reported. */
    private static byte[] informationalExceptions(int control) {
        byte[] page = new byte[12];
        page[0] = INFORMATIONAL_EXCEPTIONS;
        page[1] = 10;
        if (control != CHANGEABLE) {
            page[2] = 0x08; // DEXCPT
        }
        return page;
    }

    private byte[] provisioning(int control) {
        return switch (control) {
            case CHANGEABLE -> Thresholds.changeable();
            case DEFAULT -> defaultThresholds.page();
            default -> thresholds.page();
        };
    }

    /**
     * Takes pages as MODE SELECT sends them; either all are taken or none.
     *
     * @param start where they start in the list, for error pointers
     * @return whether anything changed
     */
    boolean write(byte[] pages, int start) throws ScsiError {
        boolean newDescriptorSense = descriptorSense;
        boolean newWriteProtect = softwareWriteProtect;
        Thresholds newThresholds = thresholds;
        int at = start;
        while (at < pages.length) {
            boolean sub = (pages[at] & 0x40) != 0;
            int headerBytes = sub ? 4 : 2;
            if (pages.length - at < headerBytes) {
                throw ScsiError.parameterListLength();
            }
            int number = pages[at] & 0x3f;
            int lengthBytes =
                    sub
                            ? (pages[at + 2] & 0xff) << 8 | (pages[at + 3] & 0xff)
                            : pages[at + 1] & 0xff;
            byte[] known = read(number, sub ? pages[at + 1] & 0xff : 0, CURRENT);
            if (number == ALL || known.length != headerBytes + lengthBytes) {
                throw ScsiError.invalidParameter(at);
            }
            if (pages.length - at < known.length) {
                throw ScsiError.parameterListLength();
            }
            byte[] given = Arrays.copyOfRange(pages, at, at + known.length);
            checkUnchanged(given, known, read(number, sub ? given[1] : 0, CHANGEABLE), at);
            if (number == CONTROL && !sub) {
                newDescriptorSense = (given[2] & D_SENSE) != 0;
                newWriteProtect = (given[4] & SWP) != 0;
            } else if (number == INFORMATIONAL_EXCEPTIONS && sub) {
                newThresholds = Thresholds.parse(given);
            }
            at += known.length;
        }
        boolean changed =
                newDescriptorSense != descriptorSense
                        || newWriteProtect != softwareWriteProtect
                        || !newThresholds.equals(thresholds);
        descriptorSense = newDescriptorSense;
        softwareWriteProtect = newWriteProtect;
        thresholds = newThresholds;
        return changed;
    }

    private static void checkUnchanged(byte[] given, byte[] known, byte[] changeable, int at)
            throws ScsiError {
        for (int i = 0; i < known.length; i++) {
            int fixed = i < 2 ? 0xff : ~changeable[i];
            int ignored = i == 0 ? 0x80 : 0; // PS is reserved here
            if (((given[i] ^ known[i]) & fixed & ~ignored) != 0) {
                throw ScsiError.invalidParameter(at + i);
            }
        }
    }
}
