package dev.tidemark.gateway.exports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.service.PrivateImages;
import java.util.UUID;
import org.junit.jupiter.api.Test;

final class ExportNameTest {
    @Test
    void aNameIsAVolumeAPointAndACopy() {
        assertThat(ExportName.parse("disk")).isEqualTo(new ExportName("disk", null, null));
        assertThat(ExportName.parse("")).isEqualTo(new ExportName("", null, null));
        assertThat(ExportName.parse("disk@seq:7")).isEqualTo(new ExportName("disk", "seq:7", null));
        assertThat(ExportName.parse("disk@a+rw~rw")).isEqualTo(new ExportName("disk", "a+rw", ""));
        assertThat(ExportName.parse("disk@-90s~rw=anna"))
                .isEqualTo(new ExportName("disk", "-90s", "anna"));
    }

    @Test
    void whatIsNoCopyIsRefused() {
        for (String name : new String[] {"d@x~", "d@x~ro", "d@x~rw=", "d@x~rw=a/b", "d@x~rw~rw"}) {
            assertThatThrownBy(() -> ExportName.parse(name))
                    .as(name)
                    .isInstanceOf(ProblemException.class);
        }
    }

    @Test
    void theIdsOfCopiesAreNotThoseOfTests() {
        assertThat(PrivateImages.isPrivate(PrivateImages.newId())).isTrue();
        assertThat(PrivateImages.newId()).isNotEqualTo(PrivateImages.newId());
        assertThat(PrivateImages.isPrivate(UUID.randomUUID())).isFalse();
    }
}
