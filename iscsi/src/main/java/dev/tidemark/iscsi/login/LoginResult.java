package dev.tidemark.iscsi.login;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.target.Initiator;
import org.jspecify.annotations.Nullable;

/**
 * A login that has only to be confirmed.
 *
 * @param initiator who it is, with the CHAP name it has proven
 * @param target the name of the target; null for a discovery session
 * @param isid the initiator's half of the session identifier, 48 bits
 * @param tsih the target's half as the initiator sent it; 0 asks for a new session
 * @param connectionId the CID
 * @param negotiation holds what was agreed on
 * @param commandNumber CmdSN of the first command
 * @param response the last login response, which says success; its TSIH is still to be set
 * @param text goes with it
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
public record LoginResult(
        Initiator initiator,
        @Nullable String target,
        long isid,
        int tsih,
        int connectionId,
        Negotiation negotiation,
        int commandNumber,
        Header response,
        byte[] text) {}
