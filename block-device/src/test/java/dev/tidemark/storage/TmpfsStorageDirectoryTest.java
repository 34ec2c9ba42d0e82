package dev.tidemark.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file system in memory, which supports less than one on a disk. */
class TmpfsStorageDirectoryTest extends StorageDirectoryContract {
    @TempDir Path scratch;

    private @Nullable MemoryFileSystem memory;

    @Override
    protected StorageDirectory newDirectory() throws Exception {
        MemoryFileSystem fresh = MemoryFileSystem.any(scratch.resolve("memory"));
        memory = fresh;
        return FileStorageDirectory.at(fresh.path()).directory("store");
    }

    @AfterEach
    void unmount() throws Exception {
        if (memory != null) {
            memory.close();
        }
    }

    @Test
    void itIsInMemory() throws Exception {
        assertThat(memory).isNotNull();
        assertThat(MemoryFileSystem.type(memory.path())).isEqualTo("tmpfs");
    }
}
