package dev.tidemark.storage;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The operating system's directories through the JDK's channels. */
class ChannelStorageDirectoryTest extends StorageDirectoryContract {
    @TempDir Path scratch;

    @Override
    protected StorageDirectory newDirectory() throws StorageException {
        return FileStorageDirectory.withChannelsOnly(scratch.resolve("store"));
    }
}
