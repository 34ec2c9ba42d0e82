package dev.tidemark.iscsi.scsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may do what under which reservation, and who hears of its end (SPC-4 section 5.13). */
final class PersistentReservationsTest {
    private static final NexusId A = nexus(1);
    private static final NexusId B = nexus(2);
    private static final NexusId C = nexus(3);

    private final PersistentReservations state = new PersistentReservations();

    private static NexusId nexus(long isid) {
        return new NexusId("iqn.2026-11.dev.tidemark.test:host", isid, "iqn.2026-11.t:disk", 1);
    }

    private static void expectConflict(ThrowingCallable refused) {
        assertThatThrownBy(refused)
                .isInstanceOfSatisfying(
                        ScsiError.class,
                        error ->
                                assertThat(error.status())
                                        .isEqualTo(ScsiStatus.RESERVATION_CONFLICT));
    }

    private static void expectSense(int key, int code, ThrowingCallable refused) {
        assertThatThrownBy(refused)
                .isInstanceOfSatisfying(
                        ScsiError.class,
                        error -> {
                            byte[] sense = error.sense(true);
                            assertThat(sense[1]).as("key").isEqualTo((byte) key);
                            assertThat((sense[2] & 0xff) << 8 | (sense[3] & 0xff))
                                    .as("code")
                                    .isEqualTo(code);
                        });
    }

    private void register(NexusId... all) throws ScsiError {
        for (NexusId each : all) {
            state.register(each, 0x100 + each.isid());
        }
    }

    // ---- who may do what

    /** SPC-4 table 48: what another registrant and a stranger may, as r(ead) and w(rite). */
    @ParameterizedTest
    @CsvSource({"1,r,r", "3,-,-", "5,rw,r", "6,rw,-", "7,rw,r", "8,rw,-"})
    void a_reservation_permits_what_its_type_says(int type, String registrant, String stranger)
            throws ScsiError {
        register(A, B);
        state.reserve(A, type);
        assertThat(permitted(A)).isEqualTo("rw");
        assertThat(permitted(B)).as("a registrant").isEqualTo(registrant);
        assertThat(permitted(C)).as("a stranger").isEqualTo(stranger);
        assertThat(state.permits(C, Access.ALWAYS)).isTrue();
    }

    private String permitted(NexusId who) {
        String both =
                (state.permits(who, Access.READ) ? "r" : "")
                        + (state.permits(who, Access.WRITE) ? "w" : "");
        return both.isEmpty() ? "-" : both;
    }

    @Test
    void a_registration_alone_keeps_nobody_out() throws ScsiError {
        register(A);
        assertThat(permitted(C)).isEqualTo("rw");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 4, 9, 15})
    void other_types_do_not_exist(int type) {
        assertThat(PersistentReservations.validType(type)).isFalse();
    }

    // ---- registering

    @Test
    void a_key_that_is_not_the_registered_one_is_a_conflict() throws ScsiError {
        register(A);
        state.requireKey(A, 0x101);
        expectConflict(() -> state.requireKey(A, 0x102));
        expectConflict(() -> state.requireKey(B, 0x101));
    }

    @Test
    void every_registration_counts_as_a_generation_and_the_last_key_holds() throws ScsiError {
        state.register(A, 1);
        state.register(A, 2);
        state.register(B, 2);
        assertThat(state.generation()).isEqualTo(3);
        assertThat(state.keys()).containsEntry(A, 2L).containsEntry(B, 2L);
        state.register(C, 0);
        assertThat(state.generation()).as("after an end of nothing").isEqualTo(3);
    }

    @Test
    void registrations_are_bounded_and_a_known_one_still_changes_its_key() throws ScsiError {
        for (int i = 0; i < PersistentReservations.MAXIMUM_REGISTRATIONS; i++) {
            register(nexus(i));
        }
        expectSense(5, 0x5504, () -> state.register(nexus(1000), 1));
        state.register(nexus(0), 77);
        assertThat(state.keys()).containsEntry(nexus(0), 77L);
        assertThat(state.keys()).hasSize(PersistentReservations.MAXIMUM_REGISTRATIONS);
    }

    @Test
    void the_holder_that_unregisters_releases_and_only_registrants_types_tell_the_others()
            throws ScsiError {
        register(A, B);
        state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE);
        assertThat(state.register(A, 0)).isEqualTo(PersistentReservations.Consequences.NONE);
        assertThat(state.type()).isZero();

        register(A);
        state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE_REGISTRANTS);
        assertThat(state.register(A, 0).released()).containsExactly(B);
        assertThat(state.type()).isZero();
    }

    @Test
    void a_reservation_of_all_ends_with_the_last_registrant() throws ScsiError {
        register(A, B);
        state.reserve(A, PersistentReservations.EXCLUSIVE_ACCESS_ALL);
        state.register(A, 0);
        assertThat(state.type()).isEqualTo(PersistentReservations.EXCLUSIVE_ACCESS_ALL);
        assertThat(state.holds(B)).isTrue();
        state.register(B, 0);
        assertThat(state.type()).isZero();
    }

    // ---- reserving and releasing

    @Test
    void what_is_reserved_is_reserved_again_only_by_its_holder_and_with_its_type()
            throws ScsiError {
        register(A, B);
        state.reserve(A, PersistentReservations.EXCLUSIVE_ACCESS);
        state.reserve(A, PersistentReservations.EXCLUSIVE_ACCESS);
        expectConflict(() -> state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE));
        expectConflict(() -> state.reserve(B, PersistentReservations.EXCLUSIVE_ACCESS));
    }

    @Test
    void only_the_holder_releases_and_must_name_the_type() throws ScsiError {
        register(A, B);
        state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE_REGISTRANTS);
        state.release(B, PersistentReservations.WRITE_EXCLUSIVE_REGISTRANTS);
        assertThat(state.holds(A)).isTrue();
        expectSense(5, 0x2604, () -> state.release(A, PersistentReservations.EXCLUSIVE_ACCESS));
        assertThat(state.release(A, PersistentReservations.WRITE_EXCLUSIVE_REGISTRANTS).released())
                .containsExactly(B);
        assertThat(state.type()).isZero();
    }

    @Test
    void clearing_ends_everything_and_tells_all_others() throws ScsiError {
        register(A, B, C);
        state.reserve(A, PersistentReservations.EXCLUSIVE_ACCESS);
        assertThat(state.clear(B).preempted()).containsExactly(A, C);
        assertThat(state.anyRegistered()).isFalse();
        assertThat(state.type()).isZero();
    }

    // ---- preempting

    @Test
    void preempting_the_holder_takes_its_reservation_over_with_the_new_type() throws ScsiError {
        register(A, B, C);
        state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE);
        PersistentReservations.Consequences told =
                state.preempt(B, 0x101, PersistentReservations.EXCLUSIVE_ACCESS);
        assertThat(told.preempted()).containsExactly(A);
        assertThat(told.released()).containsExactly(C);
        assertThat(state.holds(B)).isTrue();
        assertThat(state.type()).isEqualTo(PersistentReservations.EXCLUSIVE_ACCESS);
        assertThat(permitted(A)).isEqualTo("-");
    }

    @Test
    void preempting_with_the_same_type_releases_nobody() throws ScsiError {
        register(A, B, C);
        state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE);
        assertThat(state.preempt(B, 0x101, PersistentReservations.WRITE_EXCLUSIVE).released())
                .isEmpty();
    }

    @Test
    void preempting_another_registrant_leaves_the_reservation_alone() throws ScsiError {
        register(A, B, C);
        state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE);
        assertThat(state.preempt(B, 0x103, PersistentReservations.EXCLUSIVE_ACCESS).preempted())
                .containsExactly(C);
        assertThat(state.holds(A)).isTrue();
        assertThat(state.type()).isEqualTo(PersistentReservations.WRITE_EXCLUSIVE);
    }

    @Test
    void key_zero_preempts_only_a_reservation_of_all() throws ScsiError {
        register(A, B, C);
        state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE);
        expectSense(5, 0x2600, () -> state.preempt(B, 0, PersistentReservations.WRITE_EXCLUSIVE));
        state.release(A, PersistentReservations.WRITE_EXCLUSIVE);
        state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE_ALL);
        assertThat(state.preempt(B, 0, PersistentReservations.EXCLUSIVE_ACCESS).preempted())
                .containsExactly(A, C);
        assertThat(state.holds(B)).isTrue();
        assertThat(state.keys()).containsOnlyKeys(B);
    }

    @Test
    void preempting_a_key_that_nobody_has_is_a_conflict() throws ScsiError {
        register(A);
        expectConflict(() -> state.preempt(A, 0x999, PersistentReservations.WRITE_EXCLUSIVE));
    }

    // ---- moving

    @Test
    void a_move_takes_the_reservation_along() throws ScsiError {
        register(A);
        state.reserve(A, PersistentReservations.EXCLUSIVE_ACCESS);
        state.move(A, B, 0x55, true);
        assertThat(state.holds(B)).isTrue();
        assertThat(state.keys()).containsOnlyKeys(B).containsEntry(B, 0x55L);
        assertThat(permitted(A)).isEqualTo("-");
    }

    // ---- kept over restarts

    @Test
    void what_was_kept_comes_back_with_its_holder_and_its_keys() throws ScsiError {
        register(A, B);
        state.reserve(B, PersistentReservations.WRITE_EXCLUSIVE_REGISTRANTS);
        state.persistPowerLoss(true);
        PersistentReservations back = PersistentReservations.restore(state.save());
        assertThat(List.copyOf(back.keys().entrySet()))
                .isEqualTo(List.copyOf(state.keys().entrySet()));
        assertThat(back.holds(B)).isTrue();
        assertThat(back.holds(A)).isFalse();
        assertThat(back.type()).isEqualTo(PersistentReservations.WRITE_EXCLUSIVE_REGISTRANTS);
        assertThat(back.persistsPowerLoss()).isTrue();
    }

    @Test
    void nothing_is_kept_unless_it_was_asked_for() throws ScsiError {
        register(A);
        assertThat(state.save()).isEmpty();
        assertThat(PersistentReservations.restore(state.save()).anyRegistered()).isFalse();
        assertThat(PersistentReservations.restore(null).anyRegistered()).isFalse();
    }

    @Test
    void a_kept_state_that_is_cut_short_or_of_another_version_is_refused() throws ScsiError {
        register(A, B);
        state.reserve(A, PersistentReservations.WRITE_EXCLUSIVE);
        state.persistPowerLoss(true);
        byte[] kept = state.save();
        for (int length = 1; length < kept.length; length++) {
            byte[] cut = Arrays.copyOf(kept, length);
            assertThatThrownBy(() -> PersistentReservations.restore(cut))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        kept[0]++;
        assertThatThrownBy(() -> PersistentReservations.restore(kept))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
