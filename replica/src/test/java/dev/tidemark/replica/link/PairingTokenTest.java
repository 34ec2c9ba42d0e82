package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class PairingTokenTest {
    private final PairingToken token =
            new PairingToken(
                    1_800_000_000L,
                    new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
                    PairingToken.fingerprint(new byte[] {7}),
                    List.of("site-b.example:10900", "192.0.2.7:10900"));

    @Test
    void aTokenIsReadAsItWasWritten() {
        PairingToken read = PairingToken.parse(" " + token.text() + "\n");
        assertThat(read.expirySeconds()).isEqualTo(token.expirySeconds());
        assertThat(read.secret()).isEqualTo(token.secret());
        assertThat(read.fingerprint()).isEqualTo(token.fingerprint());
        assertThat(read.addresses()).isEqualTo(token.addresses());
    }

    @Test
    void everyTokenThatIsCutOffIsRefusedWithoutBeingRepeated() {
        String text = token.text();
        for (int length = 0; length < text.length(); length++) {
            String cut = text.substring(0, length);
            assertThatThrownBy(() -> PairingToken.parse(cut))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageNotContaining(text.substring(5, 15));
        }
        assertThatThrownBy(() -> PairingToken.parse(text + "AAAA"))
                .hasMessageContaining("behind its end");
    }

    @Test
    void aTokenShownSaysNothingOfItsSecret() {
        assertThat(token).hasToString("token for [site-b.example:10900, 192.0.2.7:10900]");
    }
}
