package dev.tidemark.gateway.server;

import dev.tidemark.gateway.client.ApiClient;
import dev.tidemark.gateway.config.ConfigurationException;
import dev.tidemark.gateway.config.Settings;
import dev.tidemark.gateway.config.SettingsReader;
import java.nio.file.Path;

/** Real gateways on scratch folders and free ports. */
public final class TestGateways {
    private TestGateways() {}

    public static Settings settings(Path data) throws ConfigurationException {
        return new SettingsReader()
                .override("data.directory", data.toString())
                .override("nbd.listen", "127.0.0.1:0")
                .override("iscsi.listen", "127.0.0.1:0")
                .override("api.listen", "127.0.0.1:0")
                .override("api.request_bytes", "16KiB")
                .override("journal.storage_unit", "1MiB")
                .override("journal.pool", "256MiB")
                .seal();
    }

    public static Gateway start(Path data) throws ConfigurationException {
        return Gateway.start(settings(data));
    }

    public static ApiClient client(Gateway gateway) {
        return new ApiClient(gateway.apiUri(), gateway.token());
    }
}
