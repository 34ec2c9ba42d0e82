package dev.tidemark.iscsi.login;

import dev.tidemark.iscsi.pdu.Header;
import dev.tidemark.iscsi.pdu.Opcode;
import dev.tidemark.iscsi.pdu.Pdu;
import dev.tidemark.iscsi.target.Authentication;
import dev.tidemark.iscsi.target.Initiator;
import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.target.IscsiNames;
import dev.tidemark.iscsi.target.TargetAccess;
import dev.tidemark.iscsi.text.TextBuilder;
import dev.tidemark.iscsi.text.TextCollector;
import dev.tidemark.iscsi.text.TextException;
import dev.tidemark.iscsi.text.TextPairs;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One login, from the first PDU to the response that opens full feature phase (RFC 7143 sections
 * 6.3 and 11.12). Runs on the connection's event loop; between a PDU and its answer it is {@link
 * #busy}, and no other PDU may be given to it.
 */
public final class LoginPhase {
    /** Longest data segment before anything was negotiated (section 13.12). */
    public static final int MAXIMUM_SEGMENT_BYTES = SessionParameters.DEFAULT_SEGMENT_BYTES;

    private static final int MAXIMUM_TEXT_BYTES = 64 << 10;
    private static final int MAXIMUM_PDUS_PER_TEXT = 16;
    private static final int MAXIMUM_KEYS = 64;

    /** No login needs so many PDUs. */
    private static final int MAXIMUM_PDUS = 64;

    private static final int SECURITY = 0;
    private static final int OPERATIONAL = 1;
    private static final int FULL_FEATURE = 3;

    /** Keys that are about who asks for what. */
    private static final Set<String> NAMES =
            Set.of(
                    "InitiatorName",
                    "InitiatorAlias",
                    "TargetName",
                    "SessionType",
                    "TargetAlias",
                    "TargetAddress",
                    "TargetPortalGroupTag");

    private static final Set<String> CHAP_KEYS =
            Set.of("CHAP_A", "CHAP_I", "CHAP_C", "CHAP_N", "CHAP_R");

    /** The connection, as the login sees it. */
    public interface Connection {
        /** Sends an answer; its data segment is the text. */
        void respond(Header response, byte[] text);

        /** Sends a refusal and closes. */
        void refuse(Header response, byte[] text, LoginStatus status, String why);

        /** Asks the catalogue; the answer comes back through {@link LoginPhase#accessDecided}. */
        void decideAccess(Initiator initiator, String targetName);

        /** The login is complete but for its last response. */
        void complete(LoginResult result);
    }

    private final Connection connection;
    private final Negotiation negotiation;
    private final SecureRandom random;
    private final String address;
    private final int portalGroup;
    private final Authentication discovery;
    private final TextCollector collector =
            new TextCollector(MAXIMUM_TEXT_BYTES, MAXIMUM_PDUS_PER_TEXT);

    private Header request = new Header();
    private @Nullable TextPairs waitingPairs;
    private int pdus;
    private int stage = -1;
    private long isid;
    private int tsih;
    private int connectionId;
    private int statSn;
    private boolean busy;
    private boolean authenticated;
    private boolean methodChosen;
    private boolean introduced;
    private boolean answered;
    private @Nullable Initiator initiator;
    private @Nullable String target;
    private @Nullable ChapExchange chap;
    private Authentication authentication = Authentication.NONE;

    /**
     * @param address the initiator's
     * @param portalGroup tag of the portal that was connected to
     * @param discovery what discovery asks for
     */
    public LoginPhase(
            Connection connection,
            IscsiLimits limits,
            SecureRandom random,
            String address,
            int portalGroup,
            Authentication discovery) {
        this.connection = connection;
        this.negotiation = new Negotiation(limits);
        this.random = random;
        this.address = address;
        this.portalGroup = portalGroup;
        this.discovery = discovery;
    }

    /** An answer is being worked out. */
    public boolean busy() {
        return busy;
    }

    /** No PDU has been taken yet. */
    public boolean untouched() {
        return pdus == 0;
    }

    /** Takes a login PDU, whose owner stays the caller. */
    public void receive(Pdu pdu) {
        request = pdu.header();
        try {
            checkHeader();
            collector.add(pdu.data());
            if ((request.flags() & Header.CONTINUE) != 0) {
                connection.respond(response(0), new byte[0]);
                return;
            }
            TextPairs pairs = TextPairs.parse(collector.take(), MAXIMUM_KEYS);
            busy = true;
            if (introduced) {
                proceed(pairs);
            } else {
                introduce(pairs);
            }
        } catch (LoginException e) {
            refuse(e.status(), String.valueOf(e.getMessage()));
        } catch (TextException e) {
            refuse(LoginStatus.INITIATOR_ERROR, String.valueOf(e.getMessage()));
        }
    }

    /** Ends the login with a refusal in answer to the last PDU. */
    public void refuse(LoginStatus status, String why) {
        busy = true;
        Header response = response(0);
        response.setShort(36, status.code());
        connection.refuse(response, new byte[0], status, why);
    }

    /** Refuses a PDU that has no place in a login. */
    public void refuseStranger(Header stranger) {
        Header last = request;
        request = new Header();
        System.arraycopy(last.bytes(), 8, request.bytes(), 8, 8);
        request.setInt(16, stranger.initiatorTaskTag());
        refuse(
                LoginStatus.INVALID_DURING_LOGIN,
                "opcode %x in a login".formatted(stranger.opcode()));
    }

    // ---- header

    private void checkHeader() throws LoginException {
        int flags = request.flags();
        int currentStage = flags >> 2 & 3;
        int nextStage = flags & 3;
        boolean transit = (flags & Header.FINAL) != 0;
        if (request.at(3) > 0) { // Version-min; there is only version 0
            throw new LoginException(
                    LoginStatus.UNSUPPORTED_VERSION, "version " + request.at(3) + " and up");
        }
        if (++pdus > MAXIMUM_PDUS) {
            throw invalid("more than " + MAXIMUM_PDUS + " login PDUs");
        }
        if (transit && (flags & Header.CONTINUE) != 0) {
            throw invalid("T and C are both set");
        }
        if (currentStage > OPERATIONAL
                || (transit && (nextStage <= currentStage || nextStage == 2))) {
            throw invalid("stage %d to %d".formatted(currentStage, nextStage));
        }
        if (stage < 0) {
            stage = currentStage;
            isid = request.longAt(8) >>> 16;
            tsih = request.shortAt(14);
            connectionId = request.shortAt(20);
        } else if (stage != currentStage) {
            throw invalid("stage %d where %d is due".formatted(currentStage, stage));
        } else if (isid != request.longAt(8) >>> 16 || connectionId != request.shortAt(20)) {
            throw invalid("ISID or CID changed within a login");
        }
    }

    private Header response(int flags) {
        Header response = Header.of(Opcode.LOGIN_RESPONSE, flags | stageBits());
        response.setLong(8, request.longAt(8)); // ISID and TSIH
        response.setInt(16, request.initiatorTaskTag());
        response.setInt(24, statSn++);
        response.setInt(28, request.intAt(24)); // ExpCmdSN: logins are immediate
        response.setInt(32, request.intAt(24));
        return response;
    }

    private int stageBits() {
        return request.flags() & 0x0c;
    }

    // ---- who asks for what

    private void introduce(TextPairs pairs) throws LoginException {
        String name = pairs.get("InitiatorName");
        if (name == null) {
            throw new LoginException(LoginStatus.MISSING_PARAMETER, "InitiatorName is missing");
        }
        if (!IscsiNames.valid(name)) {
            throw invalid("InitiatorName is no iSCSI name");
        }
        Initiator who = new Initiator(name.toLowerCase(Locale.ROOT), address, null);
        initiator = who;
        introduced = true;
        String type = pairs.get("SessionType");
        if (type == null || type.equals("Normal")) {
            introduceNormal(who, pairs);
        } else if (type.equals("Discovery")) {
            authentication = discovery;
            proceed(pairs);
        } else {
            throw new LoginException(
                    LoginStatus.UNSUPPORTED_SESSION_TYPE, "SessionType is unknown");
        }
    }

    private void introduceNormal(Initiator who, TextPairs pairs) throws LoginException {
        String name = pairs.get("TargetName");
        if (name == null) {
            throw new LoginException(LoginStatus.MISSING_PARAMETER, "TargetName is missing");
        }
        if (!IscsiNames.valid(name)) {
            throw new LoginException(LoginStatus.NOT_FOUND, "TargetName is no iSCSI name");
        }
        String wanted = name.toLowerCase(Locale.ROOT);
        target = wanted;
        waitingPairs = pairs;
        connection.decideAccess(who, wanted);
    }

    /** What the catalogue said; on the event loop. */
    public void accessDecided(TargetAccess access) {
        TextPairs pairs = waitingPairs;
        if (pairs == null) {
            throw new IllegalStateException("nothing waits for a decision");
        }
        waitingPairs = null;
        try {
            switch (access) {
                case TargetAccess.Allowed allowed -> {
                    authentication = allowed.authentication();
                    proceed(pairs);
                }
                case TargetAccess.Unknown unknown ->
                        throw new LoginException(LoginStatus.NOT_FOUND, "no such target");
                case TargetAccess.Denied denied ->
                        throw new LoginException(
                                LoginStatus.AUTHORIZATION_FAILURE, "not allowed for it");
                case TargetAccess.Redirected redirected -> redirect(redirected);
            }
        } catch (LoginException e) {
            refuse(e.status(), String.valueOf(e.getMessage()));
        }
    }

    /** Section 6.3.2's "TargetAddress" in a redirecting response. */
    private void redirect(TargetAccess.Redirected redirected) {
        LoginStatus status =
                redirected.permanent()
                        ? LoginStatus.MOVED_PERMANENTLY
                        : LoginStatus.MOVED_TEMPORARILY;
        Header response = response(0);
        response.setShort(36, status.code());
        byte[] text = new TextBuilder().add("TargetAddress", redirected.address()).build();
        connection.refuse(response, text, status, "redirected");
    }

    // ---- stages

    private void proceed(TextPairs pairs) throws LoginException {
        TextBuilder answers = new TextBuilder();
        if (!answered) {
            answered = true;
            answerIntroduction(answers);
        }
        if (stage == SECURITY) {
            security(pairs, answers);
        } else {
            operational(pairs, answers);
        }
        boolean transit = (request.flags() & Header.FINAL) != 0;
        boolean ready = stage == OPERATIONAL || authenticated;
        int nextStage = request.flags() & 3;
        if (!transit || !ready) {
            busy = false;
            connection.respond(response(0), answers.build());
        } else if (nextStage == FULL_FEATURE) {
            complete(answers);
        } else {
            stage = nextStage;
            busy = false;
            connection.respond(response(Header.FINAL | nextStage), answers.build());
        }
    }

    /** Section 13.9: the portal group comes with the first answer of a normal session. */
    private void answerIntroduction(TextBuilder answers) {
        if (target != null) {
            answers.add("TargetPortalGroupTag", portalGroup);
        }
    }

    private void security(TextPairs pairs, TextBuilder answers) throws LoginException {
        for (Map.Entry<String, String> pair : pairs.all().entrySet()) {
            String key = pair.getKey();
            if (key.equals("AuthMethod")) {
                chooseMethod(pair.getValue(), answers);
            } else if (CHAP_KEYS.contains(key)) {
                if (chap == null) {
                    throw new LoginException(
                            LoginStatus.AUTHENTICATION_FAILURE, "CHAP was not agreed on");
                }
            } else if (!NAMES.contains(key)) {
                negotiation.answer(key, pair.getValue(), answers);
            }
        }
        ChapExchange exchange = chap;
        if (exchange != null && pairs.all().keySet().stream().anyMatch(CHAP_KEYS::contains)) {
            exchange.advance(pairs, answers);
            String user = exchange.user();
            if (user != null && initiator != null) {
                initiator = initiator.authenticatedAs(user);
                authenticated = true;
            }
        } else if (!methodChosen && !authentication.required()) {
            authenticated = true; // it offers no method and none is asked for
        }
    }

    private void chooseMethod(String offered, TextBuilder answers) throws LoginException {
        if (methodChosen) {
            throw invalid("AuthMethod comes twice");
        }
        methodChosen = true;
        boolean chapOffered = Arrays.asList(offered.split(",", -1)).contains("CHAP");
        boolean noneOffered = Arrays.asList(offered.split(",", -1)).contains("None");
        if (authentication.required() && chapOffered) {
            chap = new ChapExchange(authentication, random);
            answers.add("AuthMethod", "CHAP");
        } else if (!authentication.required() && noneOffered) {
            authenticated = true;
            answers.add("AuthMethod", "None");
        } else {
            throw new LoginException(
                    LoginStatus.AUTHENTICATION_FAILURE, "no usable authentication was offered");
        }
    }

    private void operational(TextPairs pairs, TextBuilder answers) throws LoginException {
        if (authentication.required() && !authenticated) {
            throw new LoginException(
                    LoginStatus.AUTHENTICATION_FAILURE, "authentication was skipped");
        }
        for (Map.Entry<String, String> pair : pairs.all().entrySet()) {
            String key = pair.getKey();
            if (key.equals("AuthMethod") || CHAP_KEYS.contains(key)) {
                throw invalid(key + " outside the security stage");
            }
            if (!NAMES.contains(key)) {
                negotiation.answer(key, pair.getValue(), answers);
            }
        }
    }

    private void complete(TextBuilder answers) {
        Initiator who = initiator;
        if (who == null) {
            throw new IllegalStateException("a login without an initiator");
        }
        negotiation.conclude();
        connection.complete(
                new LoginResult(
                        who,
                        target,
                        isid,
                        tsih,
                        connectionId,
                        negotiation,
                        request.intAt(24),
                        response(Header.FINAL | FULL_FEATURE),
                        answers.build()));
    }

    private static LoginException invalid(String why) {
        return new LoginException(LoginStatus.INITIATOR_ERROR, why);
    }
}
