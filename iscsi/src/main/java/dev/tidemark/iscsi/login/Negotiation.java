package dev.tidemark.iscsi.login;

import dev.tidemark.iscsi.target.IscsiLimits;
import dev.tidemark.iscsi.text.TextBuilder;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Negotiation of operational parameters: every key that an initiator offers gets an answer (RFC
 * 7143 sections 6.2 and 13). Not thread-safe.
 */
public final class Negotiation {
    private static final String REJECT = "Reject";
    private static final int MAXIMUM_SEGMENT_BYTES = (1 << 24) - 1;

    private final IscsiLimits limits;
    private final SessionParameters parameters;
    private final Set<String> negotiated = new HashSet<>();

    Negotiation(IscsiLimits limits) {
        this.limits = limits;
        this.parameters = new SessionParameters(limits);
    }

    /** What has been agreed on so far. */
    public SessionParameters parameters() {
        return parameters;
    }

    /** Answers one key that is not about names or authentication. */
    void answer(String key, String value, TextBuilder answers) throws LoginException {
        if (!negotiated.add(key)) {
            throw invalid("key " + key + " was negotiated before");
        }
        switch (key) {
            case "MaxRecvDataSegmentLength" -> {
                parameters.sendSegmentBytes = segmentBytes(value);
                answers.add(key, limits.receiveSegmentBytes());
            }
            case "HeaderDigest" -> answers.add(key, digest(value, true));
            case "DataDigest" -> answers.add(key, digest(value, false));
            case "InitialR2T" -> {
                parameters.initialR2t = bool(key, value);
                answers.add(key, yesNo(parameters.initialR2t)); // OR with our No
            }
            case "ImmediateData" -> {
                parameters.immediateData = bool(key, value);
                answers.add(key, yesNo(parameters.immediateData)); // AND with our Yes
            }
            case "MaxBurstLength" -> {
                int offered = number(key, value, 512, MAXIMUM_SEGMENT_BYTES);
                parameters.maximumBurstBytes = Math.min(offered, limits.maximumBurstBytes());
                answers.add(key, parameters.maximumBurstBytes);
            }
            case "FirstBurstLength" -> {
                int offered = number(key, value, 512, MAXIMUM_SEGMENT_BYTES);
                parameters.firstBurstBytes = Math.min(offered, limits.firstBurstBytes());
                answers.add(key, parameters.firstBurstBytes);
            }
            case "MaxOutstandingR2T" -> {
                int offered = number(key, value, 1, 65_535);
                parameters.outstandingR2ts = Math.min(offered, limits.outstandingR2ts());
                answers.add(key, parameters.outstandingR2ts);
            }
            default -> answerFixed(key, value, answers);
        }
    }

    /** Keys whose outcome the target decides alone. */
    private static void answerFixed(String key, String value, TextBuilder answers)
            throws LoginException {
        switch (key) {
            case "MaxConnections" -> {
                number(key, value, 1, 65_535);
                answers.add(key, 1);
            }
            case "DefaultTime2Wait" -> answers.add(key, Math.max(2, number(key, value, 0, 3600)));
            case "DefaultTime2Retain" -> {
                number(key, value, 0, 3600);
                answers.add(key, 0); // nothing is kept of a connection that failed
            }
            case "DataPDUInOrder", "DataSequenceInOrder" -> {
                bool(key, value);
                answers.add(key, "Yes"); // OR with our Yes
            }
            case "ErrorRecoveryLevel" -> {
                number(key, value, 0, 2);
                answers.add(key, 0);
            }
            case "TaskReporting" -> answers.add(key, choice(value, "RFC3720"));
            case "iSCSIProtocolLevel" -> {
                number(key, value, 0, 31);
                answers.add(key, 1); // RFC 7143 section 13.24
            }
            // Markers are gone (section 13.25); old initiators want to hear so.
            case "OFMarker", "IFMarker" -> answers.add(key, "No");
            case "OFMarkInt", "IFMarkInt" -> answers.add(key, "Irrelevant");
            default -> answers.add(key, "NotUnderstood");
        }
    }

    /** A declaration, also allowed in full feature phase. */
    void declareSegmentBytes(String value) throws LoginException {
        parameters.sendSegmentBytes = segmentBytes(value);
    }

    /**
     * Answers a key sent in full feature phase, where only MaxRecvDataSegmentLength may change
     * (section 13's "use" and "scope").
     */
    public void answerLater(String key, String value, TextBuilder answers) throws LoginException {
        if (key.equals("MaxRecvDataSegmentLength")) {
            declareSegmentBytes(value);
            answers.add(key, limits.receiveSegmentBytes());
        } else if (negotiated.contains(key)) {
            answers.add(key, REJECT);
        } else {
            answers.add(key, "NotUnderstood");
        }
    }

    /** After the last key: what must hold between keys (section 13.14). */
    void conclude() {
        parameters.firstBurstBytes =
                Math.min(parameters.firstBurstBytes, parameters.maximumBurstBytes);
    }

    private static int segmentBytes(String value) throws LoginException {
        return number("MaxRecvDataSegmentLength", value, 512, MAXIMUM_SEGMENT_BYTES);
    }

    private String digest(String offered, boolean header) {
        String chosen = choice(offered, "CRC32C");
        if (chosen.equals(REJECT)) {
            chosen = choice(offered, "None");
        }
        boolean used = chosen.equals("CRC32C");
        if (header) {
            parameters.headerDigest = used;
        } else {
            parameters.dataDigest = used;
        }
        return chosen;
    }

    /** {@code wanted} if the list has it and it can be used, else a rejection. */
    private static String choice(String offered, String wanted) {
        List<String> values = Arrays.asList(offered.split(",", -1));
        return values.contains(wanted) ? wanted : REJECT;
    }

    private static boolean bool(String key, String value) throws LoginException {
        return switch (value) {
            case "Yes" -> true;
            case "No" -> false;
            default -> throw invalid(key + " is neither Yes nor No");
        };
    }

    private static String yesNo(boolean value) {
        return value ? "Yes" : "No";
    }

    /** Decimal or hexadecimal (section 6.1), within a range. */
    static int number(String key, String value, int minimum, int maximum) throws LoginException {
        long number;
        try {
            boolean hexadecimal = value.startsWith("0x") || value.startsWith("0X");
            number =
                    hexadecimal
                            ? Long.parseLong(value, 2, value.length(), 16)
                            : Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw invalid(key + " is no number");
        }
        if (number < minimum || number > maximum) {
            throw invalid(
                    "%s %d is not between %d and %d".formatted(key, number, minimum, maximum));
        }
        return (int) number;
    }

    private static LoginException invalid(String why) {
        return new LoginException(LoginStatus.INITIATOR_ERROR, why);
    }
}
