package dev.tidemark.iscsi.scsi;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The logical units of one session, by number, and what is asked of numbers that name none. Made
 * whole when the session begins; belongs to its event loop, though handles may be used anywhere.
 */
public final class LunMap {
    /** REPORT LUNS well-known unit (SPC-4 section 8.2). */
    private static final long REPORT_LUNS_UNIT = 0xc101L << 48;

    private static final int INQUIRY = 0x12;
    private static final int TEST_UNIT_READY = 0x00;
    private static final int REQUEST_SENSE = 0x03;
    private static final int REPORT_LUNS = 0xa0;
    private static final int EXTENDED_COPY = 0x83;

    private final NavigableMap<Long, UnitHandle> units = new TreeMap<>(Long::compareUnsigned);

    /** Adds a unit under a number of 0 to 16383. */
    public void add(int number, UnitHandle unit) {
        units.put(encode(number), unit);
    }

    /** All units; a view. */
    public Collection<UnitHandle> all() {
        return Collections.unmodifiableCollection(units.values());
    }

    /** The unit of a LUN as it comes in a PDU, null when there is none. */
    public @Nullable UnitHandle find(long lun) {
        UnitHandle unit = units.get(lun);
        // Small numbers may also come in flat space form (SAM-5 section 4.7.7.3).
        return unit == null && lun >>> 62 == 1 ? units.get(lun & 0x3fffL << 48) : unit;
    }

    /** Peripheral device addressing up to 255, flat space above (SAM-5 section 4.7.7). */
    private static long encode(int number) {
        return number < 256 ? (long) number << 48 : 0x4000L << 48 | (long) number << 48;
    }

    @Nullable UnitHandle byIdentifier(long naa) {
        for (UnitHandle unit : units.values()) {
            if (VitalProductData.naa(unit) == naa) {
                return unit;
            }
        }
        return null;
    }

    /** By as much of the T10 vendor identification as fits a descriptor. */
    @Nullable UnitHandle byVendorName(byte[] name) {
        for (UnitHandle unit : units.values()) {
            byte[] full =
                    ("TIDEMARK" + unit.description().serial())
                            .getBytes(java.nio.charset.StandardCharsets.US_ASCII);
            if (Arrays.equals(name, Arrays.copyOf(full, Math.min(full.length, name.length)))
                    && name.length >= Math.min(full.length, 20)) {
                return unit;
            }
        }
        return null;
    }

    /** Commands that this map answers; the table only knows of them. */
    @SuppressWarnings("DoNotCallSuggester") // the table refers to it, nobody calls it
    static Prepared notHere(UnitHandle unit, Cdb cdb) {
        throw new AssertionError("operation %02x is the map's".formatted(cdb.operation()));
    }

    /**
     * Checks a command and makes it ready: what the unit has to tell first, then reservations, the
     * medium, and the command itself.
     *
     * @param cdb 16 bytes
     */
    public Prepared prepare(long lun, byte[] cdb) throws ScsiError {
        Cdb command = new Cdb(cdb);
        UnitHandle unit = find(lun);
        if (unit == null) {
            return prepareNowhere(lun, command);
        }
        int operation = command.operation();
        int action = Cdb.hasServiceAction(operation) ? command.serviceAction() : -1;
        CommandSpec spec = CommandTable.find(operation, action);
        if (operation != INQUIRY && operation != REPORT_LUNS && operation != REQUEST_SENSE) {
            UnitAttention attention = unit.takeAttention();
            if (attention != null) {
                throw attention.error();
            }
        }
        if (spec == null) {
            boolean known = CommandTable.all().stream().anyMatch(s -> s.operation() == operation);
            throw known ? ScsiError.invalidField(1) : ScsiError.invalidOperation();
        }
        checkControl(command);
        unit.unit().checkReservations(unit.nexus(), spec);
        if (spec.needsMedium()) {
            unit.unit().checkMedium();
        } else if (spec.access() == Access.WRITE) {
            unit.unit().checkSanitize();
        }
        return switch (operation) {
            case REPORT_LUNS -> reportLuns(command);
            case EXTENDED_COPY -> CopyCommands.extendedCopy(unit, command, this);
            default -> spec.handler().prepare(unit, command);
        };
    }

    /** NACA asks for something that is not offered (SAM-5 section 5.2). */
    private static void checkControl(Cdb command) throws ScsiError {
        int control = Cdb.lengthBytes(command.operation()) - 1;
        if (command.bit(control, 0x04)) {
            throw ScsiError.invalidField(control);
        }
    }

    private Prepared prepareNowhere(long lun, Cdb command) throws ScsiError {
        boolean wellKnown = lun == REPORT_LUNS_UNIT;
        return switch (command.operation()) {
            case INQUIRY -> {
                if (command.bit(1, 0x01) || command.at(2) != 0) {
                    throw ScsiError.invalidField(2);
                }
                byte[] data = InquiryCommands.nothingHere();
                if (wellKnown) {
                    data[0] = 0x1e;
                }
                yield Prepared.answer(data, command.shortAt(3));
            }
            case REPORT_LUNS -> reportLuns(command);
            case REQUEST_SENSE -> {
                ScsiError sense =
                        wellKnown
                                ? ScsiError.check(SenseKey.NO_SENSE, 0)
                                : ScsiError.illegal(0x2500);
                yield Prepared.answer(sense.sense(command.bit(1, 1)), command.at(4));
            }
            case TEST_UNIT_READY -> {
                if (!wellKnown) {
                    throw ScsiError.illegal(0x2500);
                }
                yield Prepared.withoutData(Execution::good);
            }
            default -> throw wellKnown ? ScsiError.invalidOperation() : ScsiError.illegal(0x2500);
        };
    }

    /** SPC-4 section 6.33. */
    private Prepared reportLuns(Cdb command) throws ScsiError {
        long allocationBytes = command.intAt(6);
        int select = command.at(2);
        if (allocationBytes < 16) {
            throw ScsiError.invalidField(6);
        }
        boolean known = select <= 2 || (select >= 0x10 && select <= 0x12);
        if (!known) {
            throw ScsiError.invalidField(2);
        }
        boolean ordinary = select == 0 || select == 2;
        boolean wellKnown = select == 1 || select == 2;
        int count = (ordinary ? units.size() : 0) + (wellKnown ? 1 : 0);
        ByteBuffer data = ByteBuffer.allocate(8 + 8 * count);
        data.putInt(8 * count).putInt(0);
        if (ordinary) {
            units.keySet().forEach(data::putLong);
        }
        if (wellKnown) {
            data.putLong(REPORT_LUNS_UNIT);
        }
        units.values().forEach(UnitHandle::lunsReported);
        return Prepared.answer(data.array(), allocationBytes);
    }
}
