package dev.tidemark.iscsi.scsi;

import java.nio.ByteBuffer;

/** TEST UNIT READY, capacity, START STOP UNIT, PREVENT ALLOW, READ DEFECT DATA, REQUEST SENSE. */
final class MediumCommands {
    private MediumCommands() {}

    static Prepared testUnitReady(UnitHandle unit, Cdb cdb) {
        return Prepared.withoutData(Execution::good);
    }

    /** What is not yet told, or what keeps the unit from being ready (SPC-4 section 6.39). */
    static Prepared requestSense(UnitHandle unit, Cdb cdb) throws ScsiError {
        boolean descriptors = cdb.bit(1, 0x01);
        UnitAttention attention = unit.takeAttention();
        ScsiError sense = ScsiError.check(SenseKey.NO_SENSE, 0);
        if (attention != null) {
            sense = attention.error();
        } else {
            try {
                unit.unit().checkMedium();
            } catch (ScsiError e) {
                sense = e;
            }
        }
        return Prepared.answer(sense.sense(descriptors), cdb.at(4));
    }

    static Prepared readCapacity10(UnitHandle unit, Cdb cdb) throws ScsiError {
        if (!cdb.bit(8, 0x01) && cdb.intAt(2) != 0) {
            throw ScsiError.invalidField(2); // without PMI there is no LBA
        }
        long last = Math.min(unit.blockCount() - 1, 0xffffffffL);
        byte[] data = ByteBuffer.allocate(8).putInt((int) last).putInt(unit.blockBytes()).array();
        return Prepared.answer(data, data.length);
    }

    /** SBC-3 section 5.16. Thin (LBPME), and what is unmapped reads as zeros (LBPRZ). */
    static Prepared readCapacity16(UnitHandle unit, Cdb cdb) {
        ByteBuffer data = ByteBuffer.allocate(32);
        data.putLong(unit.blockCount() - 1).putInt(unit.blockBytes());
        data.put(13, (byte) physicalExponent(unit));
        data.put(14, (byte) 0xc0);
        return Prepared.answer(data.array(), cdb.intAt(10));
    }

    /** Logical blocks in a physical one, as a power of two. */
    private static int physicalExponent(UnitHandle unit) {
        int preferredBytes = unit.device().geometry().preferredBytes();
        int ratio = Math.clamp(preferredBytes / unit.blockBytes(), 1, 1 << 3);
        return Integer.numberOfTrailingZeros(ratio);
    }

    /**
     * SBC-3 section 5.25. There is no motor to stop: stopping only flushes. A removable medium can
     * be ejected and loaded, neither while removal is prevented.
     */
    static Prepared startStop(UnitHandle unit, Cdb cdb) throws ScsiError {
        boolean start = cdb.bit(4, 0x01);
        boolean loadOrEject = cdb.bit(4, 0x02);
        int power = cdb.at(4) >> 4;
        if (power != 0) {
            return Prepared.withoutData(Execution::good); // there is no power to save
        }
        if (loadOrEject && !unit.description().removable()) {
            throw ScsiError.invalidField(4);
        }
        if (loadOrEject && unit.unit().removalPrevented()) {
            throw ScsiError.illegal(0x5302); // MEDIUM REMOVAL PREVENTED
        }
        return Prepared.withoutData(execution -> {
            if (loadOrEject && !start) {
                unit.unit().eject();
            } else if (loadOrEject && unit.unit().load()) {
                unit.unit().tell(unit, UnitAttention.MEDIUM_CHANGED);
            }
            unit.device().flush(DeviceStep.then(execution, execution::good));
        });
    }

    static Prepared preventAllow(UnitHandle unit, Cdb cdb) throws ScsiError {
        int prevent = cdb.at(4) & 3;
        if (prevent > 1) {
            throw ScsiError.invalidField(4);
        }
        return Prepared.withoutData(execution -> {
            unit.preventRemoval(prevent == 1);
            execution.good();
        });
    }

    /** An empty list: a volume has no defects of its own (SBC-3 section 5.17). */
    static Prepared defects10(UnitHandle unit, Cdb cdb) {
        byte[] data = new byte[4];
        data[1] = (byte) (cdb.at(2) & 0x1f);
        return Prepared.answer(data, cdb.shortAt(7));
    }

    static Prepared defects12(UnitHandle unit, Cdb cdb) {
        byte[] data = new byte[8];
        data[1] = (byte) (cdb.at(1) & 0x1f);
        return Prepared.answer(data, cdb.intAt(6));
    }
}
