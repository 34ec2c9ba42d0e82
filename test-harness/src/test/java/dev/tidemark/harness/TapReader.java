package dev.tidemark.harness;

import com.fasterxml.jackson.databind.JsonNode;
import dev.tidemark.gateway.wire.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A program outside that reads a group's writes over a socket of its own, with little room in it.
 * It reads nothing before {@link #start}. Lines may be asked for from any thread.
 */
final class TapReader implements AutoCloseable {
    private static final int SOCKET_BYTES = 16 << 10;

    private final Socket socket = new Socket();
    private final BufferedReader in;
    private final List<JsonNode> lines = new ArrayList<>(); // guarded by this
    private final String path;

    private TapReader(InetSocketAddress api, String token, String path) throws IOException {
        this.path = path;
        socket.setReceiveBufferSize(SOCKET_BYTES);
        socket.connect(api);
        // In HTTP 1.0, nothing stands between the lines.
        String request =
                "GET %s HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n".formatted(path, token);
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        in =
                new BufferedReader(
                        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Opens a tap; it is there when this returns. */
    static TapReader open(GatewayProcess gateway, String group, boolean payload) throws Exception {
        TapReader reader =
                new TapReader(
                        gateway.api().address(),
                        Files.readString(gateway.data().resolve("token")).strip(),
                        "/api/v1/groups/" + group + "/writes?payload=" + payload);
        String status = reader.in.readLine();
        if (!status.contains(" 200 ")) {
            reader.close();
            throw new IOException(status);
        }
        return reader;
    }

    /** Begins to read, on a thread of its own. */
    TapReader start() {
        Thread.ofPlatform().daemon().name("tap " + path).start(this::read);
        return this;
    }

    private void read() {
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                // The header, and empty lines that keep it open.
                if (line.startsWith("{")) {
                    JsonNode parsed = Json.MAPPER.readTree(line);
                    synchronized (this) {
                        lines.add(parsed);
                    }
                }
            }
        } catch (IOException closed) {
            // The end of the tap, or of the test.
        }
    }

    /** All lines so far. */
    synchronized List<JsonNode> lines() {
        return List.copyOf(lines);
    }

    /** The writes and zeros so far. */
    List<JsonNode> writes() {
        return lines().stream()
                .filter(line -> List.of("write", "zero").contains(line.path("kind").asText()))
                .toList();
    }

    List<JsonNode> gaps() {
        return lines().stream().filter(line -> line.has("gap")).map(l -> l.path("gap")).toList();
    }

    /** The newest record that it has been told of, or that was left out; 0 for none. */
    long lastSequence() {
        List<JsonNode> all = lines();
        @Nullable JsonNode last = all.isEmpty() ? null : all.getLast();
        return last == null
                ? 0
                : last.path("sequence").asLong(last.path("gap").path("lastSequence").asLong());
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
