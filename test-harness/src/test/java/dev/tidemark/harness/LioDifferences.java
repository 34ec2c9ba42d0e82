package dev.tidemark.harness;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Set;

/** What LIO does otherwise than the gateway, and why the gateway does as it does. */
enum LioDifferences {
    IDENTITY(
            "each target says who it is, what it can do and how large requests should be; what a"
                    + " page is, and of what disk, is the same",
            (command, our, their) ->
                    describesItself(command)
                            && our.status() == 0
                            && their.status() == 0
                            && our.data()[0] == their.data()[0]
                            && sameShape(command, our.data(), their.data())),
    MODE_PARAMETERS(
            "MODE SENSE: the header's lengths and the pages differ, not the medium type nor the"
                    + " block descriptor's length, and a page asked for alone is that page and as"
                    + " long",
            (command, our, their) ->
                    Set.of(0x1a, 0x5a).contains(command.opcode())
                            && our.status() == 0
                            && their.status() == 0
                            && sameModes(command, our.data(), their.data())),
    INQUIRY_OF_NO_UNIT(
            "peripheral qualifier 3 says that there is no unit; LIO refuses",
            (command, our, their) ->
                    command.opcode() == 0x12
                            && command.lun() != 0
                            && our.data()[0] == 0x7f
                            && their.senseCode().equals("5/2500")),
    SAVED_VALUES(
            "saved values, which neither has, are 5/3900; LIO gives current ones",
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
    DESCRIPTOR_SENSE(
            "from LIO's behaviour: D_SENSE can be changed, where LIO takes only the page it has",
            (command, our, their) ->
                    selects(command, 0x0a, 0x0a)
                            && our.status() == 0
                            && their.senseCode().equals("5/2600")),
    PAGE_OF_ANOTHER_LENGTH(
            "a page that says another length is wrong in the list; LIO calls the list cut short",
            (command, our, their) ->
                    selects(command, 0x0a, 0x09)
                            && our.senseCode().equals("5/2600")
                            && their.senseCode().equals("5/1a00")),
    UNKNOWN_PAGE(
            "a page that there is not is wrong in the list; LIO says it is wrong in the CDB",
            (command, our, their) ->
                    selects(command, 0x2b, 0x0a)
                            && our.senseCode().equals("5/2600")
                            && their.senseCode().equals("5/2400")),
    SAVING(
            "nothing is saved, which SP asks for in the CDB; LIO looks at the page first",
            (command, our, their) ->
                    command.family().equals("MODE SELECT(6)")
                            && (command.cdb()[1] & 1) != 0
                            && our.senseCode().equals("5/2400")
                            && their.senseCode().equals("5/2600")),
    LISTS_OF_UNITS(
            "select 1 and 2 show the well-known unit, which LIO lacks; other values and"
                    + " less than 16 bytes are 5/2400",
            (command, our, their) ->
                    command.opcode() == 0xa0
                            && their.status() == 0
                            && (our.status() == 0
                                    ? Set.of(1, 2).contains((int) command.cdb()[2])
                                    : our.senseCode().equals("5/2400"))),
    SENSE_ON_REQUEST(
            "as long as the sense is, and in descriptors when asked; LIO fills the"
                    + " buffer, and refuses descriptors",
            (command, our, their) ->
                    command.opcode() == 0x03
                            && our.status() == 0
                            && Set.of("", "5/2400").contains(their.senseCode())),
    MORE_COMMANDS(
            "PREVENT ALLOW MEDIUM REMOVAL, READ DEFECT DATA, PRE-FETCH(10), WRITE ATOMIC and LOG"
                    + " SENSE are served; LIO lacks them",
            (command, our, their) ->
                    Set.of(0x1e, 0x37, 0x34, 0x4d, 0x9c, 0xb7).contains(command.opcode())
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
            "nothing to read into a buffer is an underflow; LIO hangs up",
            (command, our, their) ->
                    command.family().startsWith("READ, no blocks")
                            && their.status() == LioDifferentialIT.HUNG_UP),
    COMPARING(
            "VERIFY with BYTCHK tells the first byte that differs; LIO, on a file, takes the data of"
                    + " BYTCHK 1 and does not compare it, and refuses BYTCHK 3",
            (command, our, their) ->
                    command.family().startsWith("VERIFY, BYTCHK")
                            && (our.status() == 0 || our.senseCode().equals("e/1d00"))
                            && (their.status() == 0
                                    || (command.family().contains("BYTCHK 3")
                                            && their.senseCode().equals("5/2400")))),
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
            "SYNCHRONIZE CACHE conflicts with another's reservation; LIO lets it pass"
                    + " where only writing is reserved, since it carries no data",
            (command, our, their) ->
                    Set.of(0x35, 0x91).contains(command.opcode())
                            && our.status() == 0x18
                            && their.status() == 0),
    COUNT_OF_RESERVING(
            "PRGENERATION counts every REGISTER, those that end a registration too,"
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
            "an I_T nexus that is not registered gets RESERVATION CONFLICT, or 5/2400"
                    + " for a type that does not exist; LIO fails with 2/0800",
            (command, our, their) ->
                    command.opcode() == 0x5f
                            && (our.status() == 0x18 || our.senseCode().equals("5/2400"))
                            && their.senseCode().equals("2/0800")),
    RELEASING_NOTHING(
            "a wrong key is a RESERVATION CONFLICT and a type that does not exist"
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

    /** A page is the one asked for; capacities, device types and response formats are equal. */
    private static boolean sameShape(ScsiCommand command, byte[] our, byte[] their) {
        return switch (command.opcode()) {
            case 0x12 ->
                    (command.cdb()[1] & 1) != 0
                            ? same(our, their, 0, 2) // device type and page
                            : same(our, their, 1, 2) && formatOf(our) == formatOf(their);
            case 0x9e -> same(our, their, 0, 12); // last block and length of a block
            default -> true;
        };
    }

    /** RESPONSE DATA FORMAT of a standard INQUIRY, 2 when the answer ends before it. */
    private static int formatOf(byte[] data) {
        return data.length > 3 ? data[3] & 0x0f : 2;
    }

    private static boolean sameModes(ScsiCommand command, byte[] our, byte[] their) {
        boolean six = command.opcode() == 0x1a;
        int header = six ? 4 : 8;
        boolean alone = (command.cdb()[2] & 0x3f) != 0x3f;
        return same(our, their, six ? 1 : 2, six ? 2 : 3)
                && same(our, their, six ? 3 : 6, header)
                && our.length > header + 1
                && (!alone || (same(our, their, 0, 1) && same(our, their, header, header + 2)));
    }

    /** Whether a part is equal, as far as both have it. */
    private static boolean same(byte[] our, byte[] their, int from, int to) {
        int end = Math.min(to, Math.min(our.length, their.length));
        return end <= from || Arrays.equals(our, from, end, their, from, end);
    }

    private static boolean describesItself(ScsiCommand command) {
        int action = command.cdb()[1] & 0x1f;
        return switch (command.opcode()) {
            case 0x12 -> true;
            case 0x5e -> action == 2;
            case 0x9e -> action == 0x10;
            case 0xa3 -> action == 0x0a;
            default -> false;
        };
    }

    /**
     * Whether it is MODE SELECT(6), without SP, of a list that is one page of this code and length.
     */
    private static boolean selects(ScsiCommand command, int page, int length) {
        byte[] list = command.out();
        return command.family().equals("MODE SELECT(6)")
                && (command.cdb()[1] & 1) == 0
                && list.length > 5
                && (list[4] & 0xff) == page
                && (list[5] & 0xff) == length;
    }
}
