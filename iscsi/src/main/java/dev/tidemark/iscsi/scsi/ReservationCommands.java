package dev.tidemark.iscsi.scsi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** PERSISTENT RESERVE IN and OUT (SPC-4 sections 6.15 and 6.16), RESERVE and RELEASE (SPC-2). */
final class ReservationCommands {
    static final int READ_KEYS = 0;
    static final int READ_RESERVATION = 1;
    static final int REPORT_CAPABILITIES = 2;
    static final int READ_FULL_STATUS = 3;

    static final int REGISTER = 0;
    static final int RESERVE = 1;
    static final int RELEASE = 2;
    static final int CLEAR = 3;
    static final int PREEMPT = 4;
    static final int PREEMPT_AND_ABORT = 5;
    static final int REGISTER_AND_IGNORE = 6;
    static final int REGISTER_AND_MOVE = 7;

    private static final int LIST_BYTES = 24;
    private static final int MAXIMUM_LIST_BYTES = 2048;
    private static final int SPECIFY_INITIATORS = 0x08;
    private static final int PERSIST = 0x01;

    private ReservationCommands() {}

    // ---- RESERVE and RELEASE

    static Prepared reserve(UnitHandle unit, Cdb cdb) throws ScsiError {
        checkWholeUnit(cdb);
        return Prepared.withoutData(execution -> {
            unit.unit().reserve(unit.nexus());
            execution.good();
        });
    }

    static Prepared release(UnitHandle unit, Cdb cdb) throws ScsiError {
        checkWholeUnit(cdb);
        return Prepared.withoutData(execution -> {
            unit.unit().release(unit.nexus());
            execution.good();
        });
    }

    /** Third parties and extents are long gone (SPC-2 section 7.21). */
    private static void checkWholeUnit(Cdb cdb) throws ScsiError {
        if (cdb.bit(1, 0x11)) {
            throw ScsiError.invalidField(1);
        }
    }

    // ---- PERSISTENT RESERVE IN

    static Prepared readKeys(UnitHandle unit, Cdb cdb) throws ScsiError {
        return unit.unit()
                .reservations(state -> {
                    ByteBuffer data = ByteBuffer.allocate(8 + 8 * state.keys().size());
                    data.putInt(state.generation()).putInt(8 * state.keys().size());
                    state.keys().values().forEach(data::putLong);
                    return Prepared.answer(data.array(), cdb.shortAt(7));
                });
    }

    static Prepared readReservation(UnitHandle unit, Cdb cdb) throws ScsiError {
        return unit.unit()
                .reservations(state -> {
                    boolean any = state.type() != 0;
                    ByteBuffer data = ByteBuffer.allocate(any ? 24 : 8);
                    data.putInt(state.generation()).putInt(any ? 16 : 0);
                    if (any) {
                        data.putLong(state.holderKey()).putInt(0).put((byte) 0);
                        data.put((byte) state.type());
                    }
                    return Prepared.answer(data.array(), cdb.shortAt(7));
                });
    }

    static Prepared reportCapabilities(UnitHandle unit, Cdb cdb) throws ScsiError {
        boolean kept = unit.unit().store().keeps();
        boolean active = unit.unit().reservations(PersistentReservations::persistsPowerLoss);
        byte[] data = new byte[8];
        data[1] = 8;
        data[2] = (byte) (0x0c | (kept ? 1 : 0)); // SIP_C, ATP_C, PTPL_C
        data[3] = (byte) (0x80 | (active ? 1 : 0)); // TMV, PTPL_A
        data[4] = (byte) 0xea; // all types
        data[5] = 0x01;
        return Prepared.answer(data, cdb.shortAt(7));
    }

    static Prepared readFullStatus(UnitHandle unit, Cdb cdb) throws ScsiError {
        return unit.unit()
                .reservations(state -> {
                    ByteArrayOutputStream list = new ByteArrayOutputStream();
                    for (Map.Entry<NexusId, Long> each : state.keys().entrySet()) {
                        list.writeBytes(fullStatus(state, each.getKey(), each.getValue()));
                    }
                    byte[] descriptors = list.toByteArray();
                    ByteBuffer data = ByteBuffer.allocate(8 + descriptors.length);
                    data.putInt(state.generation()).putInt(descriptors.length);
                    data.put(descriptors);
                    return Prepared.answer(data.array(), cdb.shortAt(7));
                });
    }

    private static byte[] fullStatus(PersistentReservations state, NexusId nexus, long key) {
        byte[] id = TransportId.encode(nexus);
        ByteBuffer data = ByteBuffer.allocate(24 + id.length);
        boolean holds = state.holds(nexus);
        data.putLong(key).putInt(0).put((byte) (holds ? 1 : 0));
        data.put((byte) (holds ? state.type() : 0)).putInt(0);
        data.putShort((short) nexus.portalGroup()).putInt(id.length).put(id);
        return data.array();
    }

    // ---- PERSISTENT RESERVE OUT

    /**
     * The parameter list (section 6.16.3).
     *
     * @param flags SPEC_I_PT, ALL_TG_PT and APTPL; of REGISTER AND MOVE, UNREG and APTPL
     * @param bytes all of it
     */
    @SuppressWarnings("ArrayRecordComponent") // compared by nobody
    private record Parameters(long key, long serviceKey, int flags, byte[] bytes) {
        boolean persist() {
            return (flags & PERSIST) != 0;
        }
    }

    static Prepared reserveOut(UnitHandle unit, Cdb cdb) throws ScsiError {
        long listBytes = cdb.intAt(5);
        boolean move = cdb.serviceAction() == REGISTER_AND_MOVE;
        if (listBytes > MAXIMUM_LIST_BYTES || listBytes < LIST_BYTES) {
            throw ScsiError.parameterListLength();
        }
        int type = cdb.at(2) & 0x0f;
        boolean typed =
                switch (cdb.serviceAction()) {
                    case RESERVE, RELEASE, PREEMPT, PREEMPT_AND_ABORT -> true;
                    default -> false;
                };
        if (typed && (cdb.at(2) >> 4 != 0 || !PersistentReservations.validType(type))) {
            throw ScsiError.invalidField(2);
        }
        return Prepared.writing(
                listBytes,
                execution -> {
                    Parameters list = parameters(execution.dataOut(), listBytes, move);
                    carryOut(unit, cdb.serviceAction(), type, list, execution);
                });
    }

    private static Parameters parameters(ByteBuf data, long listBytes, boolean move)
            throws ScsiError {
        if (data.readableBytes() < listBytes) {
            throw ScsiError.parameterListLength();
        }
        byte[] bytes = ByteBufUtil.getBytes(data, data.readerIndex(), (int) listBytes);
        ByteBuffer list = ByteBuffer.wrap(bytes);
        int flags = move ? bytes[17] : bytes[20];
        if (!move && (flags & SPECIFY_INITIATORS) == 0 && listBytes != LIST_BYTES) {
            throw ScsiError.parameterListLength();
        }
        return new Parameters(list.getLong(0), list.getLong(8), flags, bytes);
    }

    /** What was done, and what is to be kept of it. */
    @SuppressWarnings("ArrayRecordComponent") // compared by nobody
    private record Outcome(PersistentReservations.Consequences consequences, byte[] kept) {}

    private static void carryOut(
            UnitHandle unit, int action, int type, Parameters list, Execution execution)
            throws ScsiError {
        boolean registers =
                action == REGISTER || action == REGISTER_AND_IGNORE || action == REGISTER_AND_MOVE;
        if (registers && list.persist() && !unit.unit().store().keeps()) {
            throw ScsiError.invalidParameter(action == REGISTER_AND_MOVE ? 17 : 20);
        }
        if (!registers && (list.flags() & SPECIFY_INITIATORS) != 0) {
            throw ScsiError.invalidParameter(20);
        }
        Outcome outcome =
                unit.unit()
                        .reservations(state -> {
                            var consequences = apply(state, unit, action, type, list);
                            return new Outcome(consequences, state.save());
                        });
        CompletableFuture<?> told = tell(unit, action, outcome.consequences());
        unit.unit()
                .store()
                .save(unit.description().identifier(), outcome.kept())
                .thenCombine(told, (kept, ended) -> true)
                .whenComplete((both, failure) -> {
                    if (failure == null) {
                        execution.good();
                    } else {
                        execution.failed(ScsiError.check(SenseKey.HARDWARE_ERROR, 0x4400));
                    }
                });
    }

    private static PersistentReservations.Consequences apply(
            PersistentReservations state, UnitHandle unit, int action, int type, Parameters list)
            throws ScsiError {
        NexusId nexus = unit.nexus();
        if (action == REGISTER) {
            Long registered = state.keys().get(nexus);
            if ((registered == null ? 0 : registered) != list.key()) {
                throw ScsiError.conflict();
            }
        } else if (action != REGISTER_AND_IGNORE) {
            state.requireKey(nexus, list.key());
        }
        return switch (action) {
            case REGISTER, REGISTER_AND_IGNORE -> register(state, unit, action, list);
            case RESERVE -> {
                state.reserve(nexus, type);
                yield PersistentReservations.Consequences.NONE;
            }
            case RELEASE -> state.release(nexus, type);
            case CLEAR -> state.clear(nexus);
            case PREEMPT, PREEMPT_AND_ABORT -> state.preempt(nexus, list.serviceKey(), type);
            case REGISTER_AND_MOVE -> move(state, unit, list);
            default -> throw ScsiError.invalidField(1);
        };
    }

    private static PersistentReservations.Consequences register(
            PersistentReservations state, UnitHandle unit, int action, Parameters list)
            throws ScsiError {
        boolean specified = (list.flags() & SPECIFY_INITIATORS) != 0;
        NexusId nexus = unit.nexus();
        if (specified && (action == REGISTER_AND_IGNORE || state.keys().containsKey(nexus))) {
            throw ScsiError.invalidField(20); // section 6.16.3: only with a first REGISTER
        }
        List<NexusId> others = specified ? specifiedInitiators(list.bytes(), nexus) : List.of();
        int added = 1 + others.size();
        if (state.keys().size() + added > PersistentReservations.MAXIMUM_REGISTRATIONS) {
            throw ScsiError.illegal(0x5504);
        }
        var consequences = state.register(nexus, list.serviceKey());
        for (NexusId other : others) {
            state.register(other, list.serviceKey());
        }
        state.persistPowerLoss(list.persist());
        return consequences;
    }

    /** Additional TransportIDs after the first 24 bytes (section 6.16.3). */
    private static List<NexusId> specifiedInitiators(byte[] bytes, NexusId asker) throws ScsiError {
        if (bytes.length < 28) {
            throw ScsiError.parameterListLength();
        }
        int idBytes = ByteBuffer.wrap(bytes).getInt(24);
        if (idBytes != bytes.length - 28) {
            throw ScsiError.parameterListLength();
        }
        List<NexusId> result = new ArrayList<>();
        int at = 28;
        while (at < bytes.length) {
            if (bytes.length - at < 8) {
                throw ScsiError.parameterListLength();
            }
            int lengthBytes = 4 + ((bytes[at + 2] & 0xff) << 8 | (bytes[at + 3] & 0xff));
            if (lengthBytes > bytes.length - at) {
                throw ScsiError.parameterListLength();
            }
            NexusId nexus =
                    TransportId.decode(Arrays.copyOfRange(bytes, at, at + lengthBytes), asker);
            if (!nexus.equals(asker)) {
                result.add(nexus);
            }
            at += lengthBytes;
        }
        return result;
    }

    private static PersistentReservations.Consequences move(
            PersistentReservations state, UnitHandle unit, Parameters list) throws ScsiError {
        byte[] bytes = list.bytes();
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        if (state.type() == 0 || !state.holds(unit.nexus())) {
            throw ScsiError.conflict();
        }
        if (state.type() >= PersistentReservations.WRITE_EXCLUSIVE_ALL) {
            throw ScsiError.conflict(); // section 5.13.8: not for "all registrants"
        }
        int idBytes = buffer.getInt(20);
        if (list.serviceKey() == 0
                || (buffer.getShort(18) & 0xffff) != unit.nexus().portalGroup()) {
            throw ScsiError.invalidParameter(8);
        }
        if (idBytes != bytes.length - LIST_BYTES) {
            throw ScsiError.parameterListLength();
        }
        NexusId to =
                TransportId.decode(
                        Arrays.copyOfRange(bytes, LIST_BYTES, bytes.length), unit.nexus());
        if (to.equals(unit.nexus())) {
            throw ScsiError.invalidParameter(24);
        }
        state.move(unit.nexus(), to, list.serviceKey(), (list.flags() & 2) != 0);
        state.persistPowerLoss(list.persist());
        return PersistentReservations.Consequences.NONE;
    }

    /**
     * Unit attentions of section 5.13.11, and the commands that PREEMPT AND ABORT ends.
     *
     * @return completes once those commands cannot change anything any more
     */
    private static CompletableFuture<?> tell(
            UnitHandle unit, int action, PersistentReservations.Consequences consequences) {
        List<CompletableFuture<?>> ended = new ArrayList<>();
        for (UnitHandle other : unit.unit().handles()) {
            if (other == unit) {
                continue;
            }
            if (consequences.released().contains(other.nexus())) {
                other.notice(UnitAttention.RESERVATIONS_RELEASED);
            } else if (consequences.preempted().contains(other.nexus())) {
                other.notice(
                        action == CLEAR
                                ? UnitAttention.RESERVATIONS_PREEMPTED
                                : UnitAttention.REGISTRATIONS_PREEMPTED);
                if (action == PREEMPT_AND_ABORT) {
                    CompletableFuture<?> aborted = new CompletableFuture<>();
                    other.hooks().abortTasks(other, () -> aborted.complete(null));
                    ended.add(aborted);
                }
            }
        }
        return CompletableFuture.allOf(ended.toArray(CompletableFuture[]::new));
    }
}
