package dev.tidemark.replica;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.replica.ship.SiteMessages.News;
import dev.tidemark.replica.ship.Whose;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a site makes of what a peer says of a group, both of them in some tenure. */
class WhoseTest {
    private static Role role(GroupRole state, int tenure) {
        return new Role(state, tenure, null, List.of(), null, null);
    }

    @ParameterizedTest(name = "{0} in {1}, there {2} in {3}, of this site {4}: {5}")
    @CsvSource({
        // Another site has it, or had it later.
        "ACTIVE, 1, ACTIVE, 2, false, THEIRS",
        "FENCED, 2, ACTIVE, 2, false, THEIRS",
        "FENCED, 3, ACTIVE, 2, false, UNKNOWN",
        "ACTIVE, 2, ACTIVE, 1, false, UNKNOWN",
        "ACTIVE, 1, STANDBY, 2, false, THEIRS",
        "ACTIVE, 1, REJOINING, 2, false, UNKNOWN",
        "FENCED, 2, STANDBY, 2, false, UNKNOWN",
        // Nobody gives way by itself.
        "ACTIVE, 2, ACTIVE, 2, false, BOTH",
        "ACTIVE, 2, ACTIVE, 2, true, BOTH",
        "STANDBY, 2, ACTIVE, 2, false, UNKNOWN",
        // It was given back.
        "FENCED, 2, STANDBY, 3, true, OURS",
        "FENCED, 2, REJOINING, 3, true, OURS",
        "ACTIVE, 1, STANDBY, 3, true, OURS",
        "ACTIVE, 1, STANDBY, 1, true, OURS",
        // A copy that has not heard of the third site that has it.
        "FENCED, 2, STANDBY, 2, true, UNKNOWN",
        "FENCED, 2, REJOINING, 2, true, UNKNOWN",
        "FENCED, 2, STANDBY, 1, true, UNKNOWN",
        // It knows no more than this site.
        "FENCED, 1, FENCED, 2, false, UNKNOWN",
    })
    void aPeerIsBelievedWhereItKnowsBetter(
            GroupRole here,
            int tenure,
            GroupRole there,
            int told,
            boolean ofThisSite,
            Whose whose) {
        News news = new News(there, told, 0, false, null);
        assertThat(Whose.of(role(here, tenure), false, news, ofThisSite)).isEqualTo(whose);
        News taking = new News(there, told, 0, true, null);
        assertThat(Whose.of(role(here, tenure), false, taking, ofThisSite))
                .as("it waits for what comes of it")
                .isEqualTo(Whose.UNKNOWN);
    }

    @ParameterizedTest(name = "there in {0}: {1}")
    @CsvSource({"1, UNKNOWN", "2, OURS", "3, OURS"})
    void aGroupThatWasNotTakenIsTakenBack(int told, Whose whose) {
        News news = new News(GroupRole.STANDBY, told, 0, false, null);
        assertThat(Whose.of(role(GroupRole.FENCED, 2), true, news, true)).isEqualTo(whose);
    }
}
