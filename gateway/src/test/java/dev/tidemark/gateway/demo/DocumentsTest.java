package dev.tidemark.gateway.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DocumentsTest {
    @TempDir private Path folder;

    @Test
    void aChangedByteIsNoticedAndSoIsAMissingDocument() throws Exception {
        Documents documents = new Documents(folder, 1);
        documents.write("1", 1);
        assertThat(Documents.whole(folder)).isEqualTo(Documents.COUNT);
        String hash = Documents.hash(folder);
        Path first = folder.resolve(Documents.name(0));
        byte[] bytes = Files.readAllBytes(first);
        bytes[100] ^= 1;
        Files.write(first, bytes);
        Files.delete(folder.resolve(Documents.name(1)));
        Files.write(folder.resolve(Documents.name(2)), documents.scrambled(Documents.name(2)));
        assertThat(Documents.whole(folder)).isEqualTo(Documents.COUNT - 3);
        assertThat(Documents.hash(folder)).isNotEqualTo(hash);
    }
}
