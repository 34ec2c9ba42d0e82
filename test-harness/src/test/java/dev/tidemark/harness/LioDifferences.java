package dev.tidemark.harness;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Set;

/** What LIO does otherwise than the gateway, and why the gateway does as it does. */
enum LioDifferences {
    IDENTITY(
            "each target says who it is, what it can do and how large requests should be",
            (command, our, their) ->
                    describesItself(command)
                            && our.status() == 0
                            && their.status() == 0
                            && our.data()[0] == their.data()[0]),
    INQUIRY_OF_NO_UNIT(
            "SPC-4 6.6.2: peripheral qualifier 3 says that there is no unit; LIO refuses",
            (command, our, their) ->
                    command.opcode() == 0x12
                            && command.lun() != 0
                            && our.data()[0] == 0x7f
                            && their.senseCode().equals("5/2500")),
    SAVED_VALUES(
            "SPC-4 6.11: saved values, which neither has, are 5/3900; LIO gives current ones",
            (command, our, their) ->
                    command.opcode() == 0x1a
                            && (command.cdb()[2] & 0xc0) == 0xc0
                            && our.senseCode().equals("5/3900")
                            && their.status() == 0),
    MODE_SELECT_OF_OTHER_FORMAT(
            "without PF the pages are vendor-specific, which the gateway refuses at once",
            (command, our, their) ->
                    command.opcode() == 0x15
                            && command.cdb()[1] == 0
                            && our.senseCode().equals("5/2400")
                            && their.status() == 0),
    LISTS_OF_UNITS(
            "SPC-4 6.33: select 1 and 2 show the well-known unit, which LIO lacks; other values and"
                    + " less than 16 bytes are 5/2400",
            (command, our, their) ->
                    command.opcode() == 0xa0
                            && their.status() == 0
                            && (our.status() == 0
                                    ? Set.of(1, 2).contains((int) command.cdb()[2])
                                    : our.senseCode().equals("5/2400"))),
    SENSE_ON_REQUEST(
            "SPC-4 6.39: as long as the sense is, and in descriptors when asked; LIO fills the"
                    + " buffer, and refuses descriptors",
            (command, our, their) ->
                    command.opcode() == 0x03
                            && our.status() == 0
                            && Set.of("", "5/2400").contains(their.senseCode())),
    MORE_COMMANDS(
            "PREVENT ALLOW MEDIUM REMOVAL, READ DEFECT DATA, PRE-FETCH(10) and WRITE ATOMIC are"
                    + " served; LIO lacks them",
            (command, our, their) ->
                    Set.of(0x1e, 0x37, 0x34, 0x9c, 0xb7).contains(command.opcode())
                            && our.status() == 0
                            && their.senseCode().equals("5/2000")),
    MORE_OPTIONS(
            "WRITE SAME to the end and with NDOB, UNMAP with ANCHOR and START STOP UNIT without"
                    + " IMMED are served; LIO refuses them",
            (command, our, their) ->
                    Set.of(0x41, 0x93, 0x42, 0x1b).contains(command.opcode())
                            && (command.opcode() == 0x41 || command.cdb()[1] != 8)
                            && our.status() == 0
                            && their.senseCode().equals("5/2400")),
    WRITES_OF_OTHER_LENGTHS(
            "SAM-5 leaves data that is not as long as the CDB says to the target: the gateway"
                    + " writes what is there in whole blocks and tells the residual, LIO refuses",
            (command, our, their) ->
                    command.family().contains("buffer too")
                            && command.out().length > 0
                            && Set.of("", "5/2100").contains(our.senseCode())
                            && their.senseCode().equals("5/0e03")),
    READ_OF_NOTHING(
            "RFC 7143 11.4.5.1: nothing to read into a buffer is an underflow; LIO hangs up",
            (command, our, their) ->
                    command.family().startsWith("READ, no blocks")
                            && their.status() == LioDifferentialIT.HUNG_UP),
    RESIDUAL_OF_NO_TRANSFER(
            "VERIFY without BYTCHK and SYNCHRONIZE CACHE transfer nothing (SBC-3), so nothing is"
                    + " missing; LIO counts their blocks as an overflow",
            (command, our, their) ->
                    Set.of(0x2f, 0x8f, 0x35, 0x91).contains(command.opcode())
                            && our.status() == 0
                            && their.status() == 0
                            && our.residual().isEmpty()
                            && their.residual().startsWith("O")),
    CACHE_UNDER_RESERVATION(
            "SBC-3 4.17: SYNCHRONIZE CACHE conflicts with another's reservation; LIO lets it pass"
                    + " where only writing is reserved, since it carries no data",
            (command, our, their) ->
                    Set.of(0x35, 0x91).contains(command.opcode())
                            && our.status() == 0x18
                            && their.status() == 0),
    COUNT_OF_RESERVING(
            "SPC-4 6.15.2: PRGENERATION counts every REGISTER, those that end a registration too,"
                    + " which LIO leaves out; all else in the list is the same",
            (command, our, their) ->
                    command.opcode() == 0x5e
                            && our.status() == 0
                            && their.status() == 0
                            && our.residual().equals(their.residual())
                            && ByteBuffer.wrap(our.data()).getInt()
                                    > ByteBuffer.wrap(their.data()).getInt()
                            && Arrays.equals(
                                    our.data(),
                                    4,
                                    our.data().length,
                                    their.data(),
                                    4,
                                    their.data().length)),
    RESERVING_WITHOUT_REGISTRATION(
            "SPC-4 5.13.7: an I_T nexus that is not registered gets RESERVATION CONFLICT, or 5/2400"
                    + " for a type that does not exist; LIO fails with 2/0800",
            (command, our, their) ->
                    command.opcode() == 0x5f
                            && (our.status() == 0x18 || our.senseCode().equals("5/2400"))
                            && their.senseCode().equals("2/0800")),
    RELEASING_NOTHING(
            "SPC-4 6.16.2: a wrong key is a RESERVATION CONFLICT and a type that does not exist"
                    + " 5/2400 also when there is nothing to release; LIO does not look",
            (command, our, their) ->
                    command.opcode() == 0x5f
                            && command.cdb()[1] == 2
                            && (our.status() == 0x18 || our.senseCode().equals("5/2400"))
                            && their.status() == 0),
    WRONG_IN_TWO_WAYS(
            "a command that is wrong in two ways is refused for either:"
                    + " reserved and beyond the end; an action that does not exist, with a wrong key"
                    + " or length",
            (command, our, their) ->
                    (our.status() == 0x18 && their.senseCode().equals("5/2100"))
                            || (command.opcode() == 0x5f
                                    && command.cdb()[1] == 8
                                    && our.senseCode().equals("5/2400")
                                    && (their.status() == 0x18
                                            || their.senseCode().equals("5/1a00"))));

    /** Tells by a command and its two answers, which differ. */
    private interface Case {
        boolean covers(ScsiCommand command, ScsiInitiator.Answer our, ScsiInitiator.Answer their);
    }

    private final String why;

    @SuppressWarnings("ImmutableEnumChecker") // the cases keep nothing
    private final Case known;

    LioDifferences(String why, Case known) {
        this.why = why;
        this.known = known;
    }

    /** The row of the table of differences. */
    String row(int count) {
        return "%-32s %6d  %s".formatted(this, count, why);
    }

    /** Whether this is why the answers to a command differ. */
    boolean explains(ScsiCommand command, ScsiInitiator.Answer our, ScsiInitiator.Answer their) {
        return known.covers(command, our, their);
    }

    private static boolean describesItself(ScsiCommand command) {
        int action = command.cdb()[1] & 0x1f;
        return switch (command.opcode()) {
            case 0x12, 0x1a, 0x5a -> true;
            case 0x5e -> action == 2;
            case 0x9e -> action == 0x10;
            case 0xa3 -> action == 0x0a;
            default -> false;
        };
    }
}
