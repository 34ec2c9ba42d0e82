package dev.tidemark.gateway.sites;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.tidemark.gateway.problem.Problem;
import dev.tidemark.gateway.problem.ProblemException;
import dev.tidemark.gateway.problem.ProblemKind;
import dev.tidemark.gateway.wire.Json;
import dev.tidemark.gateway.wire.Wire.TopologyDocument;
import dev.tidemark.gateway.wire.Wire.TopologyGroup;
import dev.tidemark.replica.link.Frames;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The answer to method 1 as bytes: JSON, bounded. */
final class Topology {
    /** Method 1 of the link protocol. */
    static final int METHOD = 1;

    /** What fits into an answer with its header. */
    static final int LARGEST_BYTES = Frames.MAXIMUM_CONTROL_BODY_BYTES - 64;

    /** Peers of later releases may say more. */
    private static final ObjectMapper LENIENT =
            Json.MAPPER.copy().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

    private Topology() {}

    /** The document; without its volumes, or even its groups, when it would not fit. */
    static ByteBuf write(TopologyDocument document) {
        byte[] bytes = bytes(document);
        if (bytes.length > LARGEST_BYTES) {
            bytes = bytes(cut(document, document.groups().stream().map(Topology::bare).toList()));
        }
        if (bytes.length > LARGEST_BYTES) {
            bytes = bytes(cut(document, List.of()));
        }
        return Unpooled.wrappedBuffer(bytes);
    }

    private static byte[] bytes(TopologyDocument document) {
        return Json.write(document).getBytes(StandardCharsets.UTF_8);
    }

    private static TopologyGroup bare(TopologyGroup group) {
        return new TopologyGroup(group.name(), group.id(), group.state(), group.epoch(), List.of());
    }

    private static TopologyDocument cut(TopologyDocument all, List<TopologyGroup> groups) {
        return new TopologyDocument(
                all.site(),
                all.name(),
                all.version(),
                all.poolUsedBytes(),
                all.poolBudgetBytes(),
                all.freeBytes(),
                all.unitBytes(),
                true,
                groups);
    }

    /** Reads a peer's answer. */
    static TopologyDocument read(ByteBuf body) {
        try {
            TopologyDocument document =
                    LENIENT.readValue(ByteBufUtil.getBytes(body), TopologyDocument.class);
            if (document != null && document.groups() != null) {
                return document;
            }
        } catch (JsonProcessingException e) {
            throw unreadable(e.getOriginalMessage(), e);
        } catch (java.io.IOException e) {
            throw unreadable(String.valueOf(e.getMessage()), e);
        }
        throw unreadable("no groups", null);
    }

    private static ProblemException unreadable(
            String why, @org.jspecify.annotations.Nullable Throwable cause) {
        return new ProblemException(
                new Problem(
                        ProblemKind.INTERNAL,
                        "the peer's answer cannot be read",
                        Plain.line(why),
                        null,
                        "compare the versions with: tidemark site list"),
                cause);
    }
}
