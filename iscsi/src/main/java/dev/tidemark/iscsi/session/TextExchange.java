package dev.tidemark.iscsi.session;

import dev.tidemark.iscsi.login.LoginException;
import dev.tidemark.iscsi.login.Negotiation;
import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Pdu;
import dev.tidemark.iscsi.pdu.RejectReason;
import dev.tidemark.iscsi.target.TargetDescription;
import dev.tidemark.iscsi.text.TextBuilder;
import dev.tidemark.iscsi.text.TextCollector;
import dev.tidemark.iscsi.text.TextException;
import dev.tidemark.iscsi.text.TextPairs;
import io.netty.buffer.Unpooled;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Text requests in full feature phase, above all SendTargets (RFC 7143 sections 11.10 and appendix
 * C). An answer longer than a segment goes on in further responses, for each of which the initiator
 * sends an empty request. Belongs to the event loop.
 */
final class TextExchange {
    private static final Logger LOG = LoggerFactory.getLogger(TextExchange.class);

    private static final int MAXIMUM_TEXT_BYTES = 64 << 10;
    private static final int MAXIMUM_PDUS = 16;
    private static final int MAXIMUM_KEYS = 64;

    private final Session session;
    private final Responder responder;
    private final ServerContext server;
    private final Negotiation negotiation;
    private final InetSocketAddress connectedTo;
    private final TextCollector collector = new TextCollector(MAXIMUM_TEXT_BYTES, MAXIMUM_PDUS);
    private byte[] rest = {};
    private int sentBytes;
    private int transferTag = 1;
    private boolean busy;

    TextExchange(
            Session session,
            Responder responder,
            ServerContext server,
            Negotiation negotiation,
            InetSocketAddress connectedTo) {
        this.session = session;
        this.responder = responder;
        this.server = server;
        this.negotiation = negotiation;
        this.connectedTo = connectedTo;
    }

    /** A text request, whose owner stays the caller. */
    void request(Pdu pdu) {
        Header header = pdu.header();
        int tag = header.intAt(20);
        boolean continued = (header.flags() & Header.CONTINUE) != 0;
        boolean goesOn = tag != Header.RESERVED_TAG;
        if (busy || !pdu.dataIntact() || (continued && header.isFinal())) {
            session.reject(header, RejectReason.PROTOCOL_ERROR);
            return;
        }
        if (goesOn && tag != transferTag) {
            session.reject(header, RejectReason.INVALID_PDU_FIELD);
            return;
        }
        if (goesOn && sentBytes < rest.length && !pdu.data().isReadable()) {
            sendRest(header.initiatorTaskTag());
            return;
        }
        try {
            collect(pdu, goesOn, continued);
        } catch (TextException | LoginException e) {
            LOG.debug("text refused: {}", e.getMessage());
            collector.take();
            session.badInput();
            session.reject(header, RejectReason.PROTOCOL_ERROR);
        }
    }

    private void collect(Pdu pdu, boolean goesOn, boolean continued)
            throws TextException, LoginException {
        int initiatorTag = pdu.header().initiatorTaskTag();
        if (!goesOn) {
            collector.take(); // a new sequence ends one that was not finished
            rest = new byte[0];
            sentBytes = 0;
        }
        collector.add(pdu.data());
        if (continued) {
            transferTag = transferTag == -2 ? 1 : transferTag + 1;
            responder.text(initiatorTag, transferTag, false, Unpooled.EMPTY_BUFFER);
            return;
        }
        TextPairs pairs = TextPairs.parse(collector.take(), MAXIMUM_KEYS);
        TextBuilder answers = new TextBuilder();
        String wanted = null;
        for (Map.Entry<String, String> pair : pairs.all().entrySet()) {
            if (pair.getKey().equals("SendTargets")) {
                wanted = pair.getValue();
            } else {
                negotiation.answerLater(pair.getKey(), pair.getValue(), answers);
            }
        }
        if (wanted == null) {
            answer(initiatorTag, answers);
        } else {
            sendTargets(initiatorTag, wanted, answers);
        }
    }

    /** Everything in discovery; in a normal session only the session's own target. */
    private void sendTargets(int initiatorTag, String wanted, TextBuilder answers) {
        String own = session.targetName();
        if (own != null) {
            if (wanted.isEmpty() || wanted.equalsIgnoreCase(own)) {
                list(answers, own);
            }
            answer(initiatorTag, answers);
            return;
        }
        if (wanted.isEmpty()) {
            answers.add("SendTargets", "Reject"); // only within a normal session
            answer(initiatorTag, answers);
            return;
        }
        busy = true;
        server.catalog()
                .list(session.initiator())
                .whenComplete((targets, failure) ->
                        session.later(
                                () -> listed(initiatorTag, wanted, answers, targets, failure)));
    }

    private void listed(
            int initiatorTag,
            String wanted,
            TextBuilder answers,
            List<TargetDescription> targets,
            Throwable failure) {
        busy = false;
        if (failure != null) {
            LOG.warn("targets could not be listed", failure);
        } else {
            for (TargetDescription target : targets) {
                if (wanted.equals("All") || wanted.equalsIgnoreCase(target.name())) {
                    list(answers, target.name());
                }
            }
        }
        answer(initiatorTag, answers);
    }

    private void list(TextBuilder answers, String name) {
        answers.add("TargetName", name);
        for (BoundPortal portal : server.portals()) {
            answers.add("TargetAddress", portal.targetAddress(connectedTo));
        }
    }

    private void answer(int initiatorTag, TextBuilder answers) {
        rest = answers.build();
        sentBytes = 0;
        sendRest(initiatorTag);
    }

    /** The initiator's whole segment length is used first; some cannot put answers together. */
    private void sendRest(int initiatorTag) {
        int segment = negotiation.parameters().sendSegmentBytes();
        int length = Math.min(segment, rest.length - sentBytes);
        boolean more = sentBytes + length < rest.length;
        int tag = Header.RESERVED_TAG;
        if (more) {
            transferTag = transferTag == -2 ? 1 : transferTag + 1;
            tag = transferTag;
        }
        responder.text(initiatorTag, tag, more, Unpooled.wrappedBuffer(rest, sentBytes, length));
        sentBytes += length;
        if (!more) {
            rest = new byte[0];
            sentBytes = 0;
        }
    }
}
