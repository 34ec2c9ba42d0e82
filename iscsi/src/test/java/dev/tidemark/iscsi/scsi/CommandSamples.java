package dev.tidemark.iscsi.scsi;

import java.util.ArrayList;
import java.util.List;

/** CDBs of every command that is served, for tests that want to reach all of them. */
public final class CommandSamples {
    private CommandSamples() {}

    /**
     * Three for each command: all zeros, one block or byte, and every bit set that is looked at.
     * Each has 16 bytes.
     */
    public static List<byte[]> all() {
        List<byte[]> samples = new ArrayList<>();
        for (CommandSpec command : CommandTable.all()) {
            byte[] usage = command.usage();
            samples.add(sample(command, 0));
            byte[] one = sample(command, 0);
            int lengthAt = usage.length - 2; // the last byte before CONTROL
            while (lengthAt > 1 && usage[lengthAt] == 0) {
                lengthAt--;
            }
            one[lengthAt] |= (byte) (usage[lengthAt] & 1);
            samples.add(one);
            samples.add(sample(command, 0xff));
        }
        return samples;
    }

    private static byte[] sample(CommandSpec command, int mask) {
        byte[] cdb = new byte[16];
        byte[] usage = command.usage();
        for (int i = 1; i < usage.length - 1; i++) {
            cdb[i] = (byte) (usage[i] & mask);
        }
        cdb[0] = usage[0];
        if (command.serviceAction() >= 0) {
            cdb[1] = (byte) ((cdb[1] & 0xe0) | command.serviceAction());
        }
        return cdb;
    }
}
