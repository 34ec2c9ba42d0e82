package dev.tidemark.iscsi.scsi;

import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Every command that is served, what it looks at, and who carries it out. */
final class CommandTable {
    private static final int NO_ACTION = -1;

    private static final Map<Integer, CommandSpec> COMMANDS = commands();

    private CommandTable() {}

    static List<CommandSpec> all() {
        return List.copyOf(COMMANDS.values());
    }

    /** A command by operation code and service action, null when it is not served. */
    static @Nullable CommandSpec find(int operation, int serviceAction) {
        return COMMANDS.get(CommandSpec.key(operation, serviceAction));
    }

    private static Map<Integer, CommandSpec> commands() {
        Builder table = new Builder();
        primary(table);
        blocks(table);
        reservations(table);
        copies(table);
        return table.commands;
    }

    private static void primary(Builder table) {
        table.always("00 00 00 00 00 07", MediumCommands::testUnitReady).medium().conflicts();
        table.always("03 01 00 00 ff 07", MediumCommands::requestSense);
        table.always("12 01 ff ff ff 07", InquiryCommands::inquiry);
        table.writes("15 11 00 00 ff 07", ModeCommands::select6);
        table.writes("1a 08 ff ff ff 07", ModeCommands::sense6);
        table.writes("55 11 00 00 00 00 00 ff ff 07", ModeCommands::select10);
        table.writes("5a 18 ff ff 00 00 00 ff ff 07", ModeCommands::sense10);
        table.writes("1b 01 00 0f f7 07", MediumCommands::startStop);
        table.always("1e 00 00 00 03 07", MediumCommands::preventAllow);
        table.always("4d 00 ff ff 00 ff ff ff ff 07", LogCommands::sense);
        table.always("a0 00 ff 00 00 00 ff ff ff ff 00 07", LunMap::notHere);
        table.always("a3:0a e1 00 00 00 00 ff ff ff ff 00 07", ReportCommands::portGroups);
        table.always("a3:0c 1f 87 ff ff ff ff ff ff ff 00 07", ReportCommands::operationCodes);
        table.always("a3:0d 1f 80 00 00 00 ff ff ff ff 00 07", ReportCommands::taskManagement);
    }

    private static void blocks(Builder table) {
        String b10 = " ff ff ff ff 1f ff ff 07";
        String b12 = " ff ff ff ff ff ff ff ff 1f 07";
        String b16 = " ff ff ff ff ff ff ff ff ff ff ff ff 1f 07";
        table.reads("08 1f ff ff ff 07", BlockCommands::read6).medium();
        table.reads("28 f8" + b10, BlockCommands::read).medium();
        table.reads("a8 f8" + b12, BlockCommands::read).medium();
        table.reads("88 f8" + b16, BlockCommands::read).medium();
        table.writes("0a 1f ff ff ff 07", BlockCommands::write6).medium();
        table.writes("2a f8" + b10, BlockCommands::write).medium();
        table.writes("aa f8" + b12, BlockCommands::write).medium();
        table.writes("8a f8" + b16, BlockCommands::write).medium();
        table.reads("2f f6" + b10, BlockCommands::verify).medium();
        table.reads("af f6" + b12, BlockCommands::verify).medium();
        table.reads("8f f6" + b16, BlockCommands::verify).medium();
        table.writes("2e f6" + b10, BlockCommands::writeAndVerify).medium();
        table.writes("ae f6" + b12, BlockCommands::writeAndVerify).medium();
        table.writes("8e f6" + b16, BlockCommands::writeAndVerify).medium();
        table.writes("35 02" + b10, BlockCommands::synchronizeCache).medium();
        table.writes("91 02" + b16, BlockCommands::synchronizeCache).medium();
        table.reads("34 02" + b10, BlockCommands::preFetch).medium();
        table.reads("90 02" + b16, BlockCommands::preFetch).medium();
        table.writes("41 f8" + b10, ProvisioningCommands::writeSame10).medium();
        table.writes("93 f9" + b16, ProvisioningCommands::writeSame16).medium();
        table.writes("42 01 00 00 00 00 1f ff ff 07", ProvisioningCommands::unmap).medium();
        table.writes(
                        "89 f8 ff ff ff ff ff ff ff ff 00 00 00 ff 1f 07",
                        AtomicCommands::compareAndWrite)
                .medium();
        table.writes("8b f8" + b16, AtomicCommands::orWrite).medium();
        table.writes("9c f8" + b16, AtomicCommands::writeAtomic).medium();
        table.always("25 00 ff ff ff ff 00 00 01 07", MediumCommands::readCapacity10).medium();
        table.always(
                        "9e:10 1f ff ff ff ff ff ff ff ff ff ff ff ff 01 07",
                        MediumCommands::readCapacity16)
                .medium();
        table.reads(
                        "9e:12 1f ff ff ff ff ff ff ff ff ff ff ff ff 00 07",
                        ProvisioningCommands::lbaStatus)
                .medium();
        table.reads("37 00 1f 00 00 00 00 ff ff 07", MediumCommands::defects10).medium();
        table.reads("b7 1f ff ff ff ff ff ff ff ff 00 07", MediumCommands::defects12).medium();
        table.writes("48:01 bf 00 00 00 00 00 ff ff 07", SanitizeCommands::overwrite).medium();
        table.writes("48:02 bf 00 00 00 00 00 ff ff 07", SanitizeCommands::erase).medium();
        table.writes("48:03 bf 00 00 00 00 00 ff ff 07", SanitizeCommands::erase).medium();
        table.writes("48:1f bf 00 00 00 00 00 ff ff 07", SanitizeCommands::exitFailureMode)
                .medium();
    }

    private static void reservations(Builder table) {
        table.always("16 00 00 00 00 07", ReservationCommands::reserve).conflicts();
        table.always("17 00 00 00 00 07", ReservationCommands::release);
        table.always("56 00 00 00 00 00 00 00 00 07", ReservationCommands::reserve).conflicts();
        table.always("57 00 00 00 00 00 00 00 00 07", ReservationCommands::release);
        String in = " 1f 00 00 00 00 00 ff ff 07";
        table.always("5e:00" + in, ReservationCommands::readKeys).conflicts();
        table.always("5e:01" + in, ReservationCommands::readReservation).conflicts();
        table.always("5e:02" + in, ReservationCommands::reportCapabilities).conflicts();
        table.always("5e:03" + in, ReservationCommands::readFullStatus).conflicts();
        for (int action = 0; action <= ReservationCommands.REGISTER_AND_MOVE; action++) {
            table.always(
                            "5f:%02x 1f ff 00 00 ff ff ff ff 07".formatted(action),
                            ReservationCommands::reserveOut)
                    .conflicts();
        }
    }

    private static void copies(Builder table) {
        table.writes("83:00 1f 00 00 00 00 00 00 00 00 ff ff ff ff 00 07", LunMap::notHere)
                .medium();
        String results = " 1f ff 00 00 00 00 00 00 00 ff ff ff ff 00 07";
        table.always("84:00" + results, CopyCommands::copyStatus);
        table.always("84:03" + results, CopyCommands::operatingParameters);
    }

    /** Collects commands; the last one added can still be said more about. */
    private static final class Builder {
        private final Map<Integer, CommandSpec> commands = new LinkedHashMap<>();
        private @Nullable CommandSpec last;

        Builder always(String usage, CommandSpec.Handler handler) {
            return add(usage, Access.ALWAYS, true, handler);
        }

        Builder reads(String usage, CommandSpec.Handler handler) {
            return add(usage, Access.READ, false, handler);
        }

        Builder writes(String usage, CommandSpec.Handler handler) {
            return add(usage, Access.WRITE, false, handler);
        }

        /** "12 01 ..." or, with a service action, "a3:0c 1f ...". */
        private Builder add(
                String text, Access access, boolean underReserve, CommandSpec.Handler handler) {
            boolean action = text.charAt(2) == ':';
            String usage = action ? text.substring(0, 2) + text.substring(5) : text;
            byte[] bits = HexFormat.ofDelimiter(" ").parseHex(usage);
            int serviceAction = action ? HexFormat.fromHexDigits(text, 3, 5) : NO_ACTION;
            if (action) {
                bits[1] = (byte) ((bits[1] & 0xe0) | serviceAction);
            }
            put(
                    new CommandSpec(
                            bits[0] & 0xff,
                            serviceAction,
                            bits,
                            access,
                            underReserve,
                            false,
                            handler));
            return this;
        }

        private void put(CommandSpec command) {
            int lengthBytes = Cdb.lengthBytes(command.operation());
            assert command.usage().length == lengthBytes
                    : "%02x has %d bytes".formatted(command.operation(), command.usage().length);
            commands.put(command.key(), command);
            last = command;
        }

        private CommandSpec last() {
            CommandSpec command = last;
            if (command == null) {
                throw new IllegalStateException("no command yet");
            }
            return command;
        }

        /** It is refused without a medium. */
        Builder medium() {
            CommandSpec c = last();
            put(
                    new CommandSpec(
                            c.operation(),
                            c.serviceAction(),
                            c.usage(),
                            c.access(),
                            c.allowedUnderReserve(),
                            true,
                            c.handler()));
            return this;
        }

        /** It is refused while another session has the unit reserved by RESERVE. */
        Builder conflicts() {
            CommandSpec c = last();
            put(
                    new CommandSpec(
                            c.operation(),
                            c.serviceAction(),
                            c.usage(),
                            c.access(),
                            false,
                            c.needsMedium(),
                            c.handler()));
            return this;
        }
    }
}
