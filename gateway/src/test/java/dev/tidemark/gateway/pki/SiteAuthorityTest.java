package dev.tidemark.gateway.pki;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.problem.ProblemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SiteAuthorityTest {
    private static final UUID SITE = UUID.fromString("0f1e2d3c-4b5a-4697-8877-665544332211");
    private static final Instant NOW = Instant.parse("2026-11-21T00:00:00Z");
    private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);

    @TempDir private Path scratch;

    private Path folder() {
        return scratch.resolve("site");
    }

    private SiteAuthority init() {
        return SiteAuthority.init(folder(), SITE, CLOCK);
    }

    @Test
    void the_certificate_names_the_site_and_is_for_both_ends_of_a_link() throws Exception {
        SiteAuthority.Leaf leaf = init().leaf();

        assertThat(SitePapers.site(leaf.certificate())).contains(SITE);
        assertThat(SitePapers.signed(leaf.certificate(), leaf.authority())).isTrue();
        assertThat(leaf.certificate().getExtendedKeyUsage()).hasSize(2);
        assertThat(leaf.end()).isEqualTo(NOW.plus(Duration.ofDays(30)));
        assertThat(leaf.renewal())
                .isBetween(NOW.plus(Duration.ofDays(14)), NOW.plus(Duration.ofDays(15)));
        assertThat(leaf.authority().getNotAfter().toInstant())
                .isEqualTo(NOW.plus(Duration.ofDays(3650)));
    }

    @Test
    void keys_are_for_their_owner_only() throws Exception {
        init();
        for (String file : List.of("ca-key.pem", "site.pem")) {
            assertThat(mode(folder().resolve(file))).isEqualTo("rw-------");
        }
        assertThat(mode(folder())).isEqualTo("rwx------");
    }

    private static String mode(Path file) throws Exception {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    @Test
    void a_renewed_certificate_has_a_new_key_and_is_there_after_a_restart() {
        SiteAuthority authority = init();
        SiteAuthority.Leaf first = authority.leaf();
        SiteAuthority.Leaf second = authority.renew();

        assertThat(second.serial()).isNotEqualTo(first.serial());
        assertThat(second.certificate().getPublicKey())
                .isNotEqualTo(first.certificate().getPublicKey());
        assertThat(second.authority()).isEqualTo(first.authority());
        SiteAuthority.Leaf again = SiteAuthority.at(folder(), SITE, CLOCK).leaf();
        assertThat(again.certificate()).isEqualTo(second.certificate());
        assertThat(again.key().getEncoded()).isNotEmpty();
    }

    @Test
    void another_authority_has_not_signed_it_and_neither_has_a_sites_certificate() {
        SiteAuthority.Leaf mine = init().leaf();
        SiteAuthority.Leaf other = SiteAuthority.init(scratch.resolve("other"), SITE, CLOCK).leaf();

        assertThat(SitePapers.signed(other.certificate(), mine.authority())).isFalse();
        assertThat(SitePapers.signed(mine.certificate(), mine.certificate())).isFalse();
        assertThat(SitePapers.signed(mine.authority(), mine.authority())).isFalse();
    }

    @Test
    void certificates_that_name_no_site_or_two_name_none() {
        assertThat(named()).isEmpty();
        assertThat(named("urn:uuid:" + SITE)).contains(SITE);
        assertThat(named("urn:uuid:" + SITE, "urn:uuid:" + new UUID(1, 2))).isEmpty();
        assertThat(named("urn:uuid:1-2-3-4-5")).isEmpty();
        assertThat(named("urn:isbn:" + SITE)).isEmpty();
    }

    private java.util.Optional<UUID> named(String... also) {
        X509Certificate certificate = TestCertificates.client(scratch, "x", also);
        return SitePapers.site(certificate);
    }

    @Test
    void only_a_self_signed_authority_of_bounded_size_is_taken_from_a_peer() throws Exception {
        SiteAuthority.Leaf leaf = init().leaf();
        byte[] good = leaf.authority().getEncoded();
        assertThat(SitePapers.authority(good)).isEqualTo(leaf.authority());

        byte[] bent = good.clone();
        bent[bent.length - 5] ^= 1;
        for (byte[] bad :
                List.of(bent, new byte[0], new byte[20_000], leaf.certificate().getEncoded())) {
            assertThatThrownBy(() -> SitePapers.authority(bad))
                    .isInstanceOf(ProblemException.class);
        }
    }
}
