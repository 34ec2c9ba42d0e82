package dev.tidemark.gateway.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.tidemark.gateway.service.Group;
import dev.tidemark.gateway.service.Taps;
import dev.tidemark.gateway.text.Timestamps;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.replica.ReplicaException;
import dev.tidemark.replica.Tap;
import dev.tidemark.replica.TappedBatch;
import dev.tidemark.replica.TappedGap;
import dev.tidemark.replica.TappedRecord;
import dev.tidemark.replica.VolumeInfo;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what a group's tap gives out, as {@code Wire.WriteLine}: of the log, no more is read than
 * the client has taken. On the request's own thread.
 */
final class TapLines implements Lines {
    private static final Logger log = LoggerFactory.getLogger(TapLines.class);
    private static final int BATCH_BYTES = 1 << 20;

    /** After a rest of this an empty line is sent: a client that has left is noticed by it. */
    private static final long REST_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Group group;
    private final Taps taps;
    private final Tap tap;

    TapLines(Group group, Taps taps, boolean withPayload) {
        this.group = group;
        this.taps = taps;
        this.tap = taps.open(group, withPayload);
    }

    @Override
    public void writeTo(OutputStream client) throws IOException {
        log.info("group={} is tapped after seq={}", group.name(), tap.beginSequence());
        try (JsonGenerator json = Json.MAPPER.createGenerator(client)) {
            json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
            json.setRootValueSeparator(null);
            rest(client);
            long restedNanos = System.nanoTime();
            while (tap.isOpen()) {
                TappedBatch batch = tap.next(BATCH_BYTES);
                if (batch != null) {
                    write(batch, json);
                    client.flush();
                    tap.gave(batch);
                    restedNanos = System.nanoTime();
                } else {
                    tap.await(REST_NANOS);
                    if (System.nanoTime() - restedNanos >= REST_NANOS) {
                        rest(client);
                        restedNanos = System.nanoTime();
                    }
                }
            }
        } catch (ReplicaException failure) {
            log.warn("group={} is tapped no longer: {}", group.name(), failure.getMessage());
        } finally {
            taps.close(tap);
            log.info("group={}: a tap has ended", group.name());
        }
    }

    private static void rest(OutputStream client) throws IOException {
        client.write('\n');
        client.flush();
    }

    private void write(TappedBatch batch, JsonGenerator json) throws IOException {
        TappedGap gap = batch.gap();
        if (gap != null) {
            log.warn(
                    "group={}: a tap left out records {} to {}",
                    group.name(),
                    gap.first(),
                    gap.last());
            write(gap, json);
        }
        Map<Integer, String> names =
                group.engine().volumes().stream()
                        .collect(Collectors.toMap(VolumeInfo::id, VolumeInfo::name));
        for (TappedRecord record : batch.records()) {
            write(record, names, json);
        }
        json.flush();
    }

    private static void write(TappedGap gap, JsonGenerator json) throws IOException {
        json.writeStartObject();
        json.writeObjectFieldStart("gap");
        json.writeNumberField("firstSequence", gap.first());
        json.writeNumberField("lastSequence", gap.last());
        json.writeNumberField("records", gap.records());
        json.writeNumberField("writes", gap.writes());
        json.writeNumberField("writeBytes", gap.bytes());
        json.writeEndObject();
        json.writeEndObject();
        json.writeRaw('\n');
    }

    private static void write(TappedRecord record, Map<Integer, String> names, JsonGenerator json)
            throws IOException {
        json.writeStartObject();
        json.writeNumberField("sequence", record.sequence());
        json.writeStringField("time", Timestamps.iso(record.timeMicros()));
        json.writeStringField("kind", record.kind().name().toLowerCase(Locale.ROOT));
        String name = names.get(record.volume());
        if (name != null) {
            json.writeStringField("volume", name);
        }
        json.writeNumberField("offsetBytes", record.offsetBytes());
        json.writeNumberField("lengthBytes", record.lengthBytes());
        ByteBuffer payload = record.payload();
        if (payload != null) {
            json.writeFieldName("payload");
            json.writeBinary(payload.array(), payload.arrayOffset(), payload.remaining());
        }
        json.writeEndObject();
        json.writeRaw('\n');
    }
}
