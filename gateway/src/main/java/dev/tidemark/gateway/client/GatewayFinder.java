package dev.tidemark.gateway.client;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.client.ApiClient.UnreachableException;
import dev.tidemark.gateway.wire.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Finds address and token of a gateway: given, or from the data directory of one that runs on this
 * machine.
 */
public final class GatewayFinder {
    private GatewayFinder() {}

    /**
     * A client of the gateway that is meant.
     *
     * @param data data directory of the gateway
     * @param url its address; null: from the data directory
     * @param tokenFile where its token lies; null: in the data directory
     */
    public static ApiClient find(Path data, @Nullable String url, @Nullable Path tokenFile) {
        String address = url == null ? address(data) : url;
        Path file = tokenFile == null ? data.resolve("token") : tokenFile;
        return new ApiClient(address, token(file));
    }

    private static String address(Path data) {
        Path file = data.resolve("gateway.json");
        try {
            JsonNode announced = Json.MAPPER.readTree(Files.readString(file));
            return announced.path("api").asText();
        } catch (NoSuchFileException e) {
            throw new UnreachableException(
                    "no gateway runs on the data directory "
                            + data
                            + "; start one with: tidemark serve, or name another with --data or --url",
                    e);
        } catch (IOException e) {
            throw new UnreachableException(file + " cannot be read: " + describe(e), e);
        }
    }

    private static String token(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw new UnreachableException(
                    "the token "
                            + file
                            + " cannot be read: "
                            + describe(e)
                            + "; run as the gateway's user, or name a copy with --token-file",
                    e);
        }
    }

    private static String describe(IOException e) {
        return switch (e) {
            case NoSuchFileException missing -> "it does not exist";
            case java.nio.file.AccessDeniedException denied -> "permission denied";
            default -> String.valueOf(e.getMessage());
        };
    }
}
