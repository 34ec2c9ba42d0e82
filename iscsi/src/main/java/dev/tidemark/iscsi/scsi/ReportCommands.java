package dev.tidemark.iscsi.scsi;

import java.nio.ByteBuffer;
import java.util.List;

/** REPORT SUPPORTED OPERATION CODES, TASK MANAGEMENT FUNCTIONS and TARGET PORT GROUPS. */
final class ReportCommands {
    private static final int TIMEOUTS = 0x80;
    private static final int TIMEOUTS_BYTES = 12;

    private ReportCommands() {}

    /** SPC-4 section 6.35. */
    static Prepared operationCodes(UnitHandle unit, Cdb cdb) throws ScsiError {
        boolean timeouts = cdb.bit(2, TIMEOUTS);
        int operation = cdb.at(3);
        int serviceAction = cdb.shortAt(4);
        boolean hasActions = Cdb.hasServiceAction(operation);
        byte[] data =
                switch (cdb.at(2) & 0x07) {
                    case 0 -> all(timeouts);
                    case 1 -> {
                        if (hasActions) {
                            throw ScsiError.invalidField(2);
                        }
                        yield one(operation, -1, timeouts);
                    }
                    case 2 -> {
                        if (!hasActions) {
                            throw ScsiError.invalidField(2);
                        }
                        yield one(operation, serviceAction, timeouts);
                    }
                    case 3 -> one(operation, hasActions ? serviceAction : -1, timeouts);
                    default -> throw ScsiError.invalidField(2);
                };
        return Prepared.answer(data, cdb.intAt(6));
    }

    private static byte[] all(boolean timeouts) {
        List<CommandSpec> commands = CommandTable.all();
        int eachBytes = 8 + (timeouts ? TIMEOUTS_BYTES : 0);
        ByteBuffer data = ByteBuffer.allocate(4 + commands.size() * eachBytes);
        data.putInt(commands.size() * eachBytes);
        for (CommandSpec command : commands) {
            boolean action = command.serviceAction() >= 0;
            data.put((byte) command.operation()).put((byte) 0);
            data.putShort((short) (action ? command.serviceAction() : 0)).put((byte) 0);
            data.put((byte) ((timeouts ? 2 : 0) | (action ? 1 : 0)));
            data.putShort((short) command.usage().length);
            if (timeouts) {
                data.put(noTimeouts());
            }
        }
        return data.array();
    }

    private static byte[] one(int operation, int serviceAction, boolean timeouts) {
        CommandSpec command =
                serviceAction > 0xff ? null : CommandTable.find(operation, serviceAction);
        if (command == null) {
            return new byte[] {0, 0x01, 0, 0}; // not supported
        }
        int usageBytes = command.usage().length;
        ByteBuffer data = ByteBuffer.allocate(4 + usageBytes + (timeouts ? TIMEOUTS_BYTES : 0));
        data.put((byte) 0).put((byte) (0x03 | (timeouts ? TIMEOUTS : 0)));
        data.putShort((short) usageBytes).put(command.usage());
        if (timeouts) {
            data.put(noTimeouts());
        }
        return data.array();
    }

    private static byte[] noTimeouts() {
        byte[] descriptor = new byte[TIMEOUTS_BYTES];
        descriptor[1] = TIMEOUTS_BYTES - 2;
        return descriptor;
    }

    /** SPC-4 section 6.36: abort task and task set, clear task set, unit reset, target reset. */
    static Prepared taskManagement(UnitHandle unit, Cdb cdb) {
        boolean extended = cdb.bit(2, TIMEOUTS);
        byte[] data = new byte[extended ? 16 : 4];
        data[0] = (byte) 0xda;
        if (extended) {
            data[3] = 12;
        }
        return Prepared.answer(data, cdb.intAt(6));
    }

    /** SPC-4 section 6.37: one group, active and optimized, changed by nobody. */
    static Prepared portGroups(UnitHandle unit, Cdb cdb) {
        boolean extended = cdb.at(1) >> 5 == 1;
        ByteBuffer data = ByteBuffer.allocate(extended ? 20 : 16);
        data.putInt(data.capacity() - 4);
        if (extended) {
            data.put((byte) 0x10).put((byte) 0).putShort((short) 0);
        }
        int group = unit.nexus().portalGroup();
        data.put((byte) 0).put((byte) 0x01).putShort((short) group); // AO_SUP
        data.put((byte) 0).put((byte) 0).put((byte) 0).put((byte) 1);
        data.putShort((short) 0).putShort((short) group);
        return Prepared.answer(data.array(), cdb.intAt(6));
    }
}
