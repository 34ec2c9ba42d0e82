package dev.tidemark.gateway.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.text.TargetName;
import dev.tidemark.iscsi.target.TargetAccess.Redirected;
import org.junit.jupiter.api.Test;

final class RedirectsTest {
    @Test
    void theFirstLineThatFitsDecides() {
        Redirects redirects =
                Redirects.parse("DB-1 192.0.2.8:3260,2 permanent\ndb-* [2001:db8::1]:3260");
        assertThat(redirects.of(TargetName.PREFIX + "db-1"))
                .isEqualTo(new Redirected("192.0.2.8:3260,2", true));
        assertThat(redirects.of(TargetName.PREFIX + "db-2.at.seq:4"))
                .isEqualTo(new Redirected("[2001:db8::1]:3260", false));
        assertThat(redirects.of(TargetName.PREFIX + "web")).isNull();
        assertThat(Redirects.parse("").of("x")).isNull();
    }

    @Test
    void whatIsNoRedirectionIsRefused() {
        for (String wrong :
                new String[] {
                    "db",
                    "db host",
                    "db host:x",
                    "db host:1 later",
                    "db host:1 permanent more",
                    "d@b host:1"
                }) {
            assertThatThrownBy(() -> Redirects.parse(wrong))
                    .as(wrong)
                    .hasMessageContaining("not a redirection");
        }
    }
}
