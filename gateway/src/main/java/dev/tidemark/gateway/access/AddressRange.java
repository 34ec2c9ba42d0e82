package dev.tidemark.gateway.access;

import dev.tidemark.gateway.problem.ProblemException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Pattern;

/**
 * Addresses that begin with the same bits: {@code 10.1.0.0/16}, {@code 2001:db8::/32}, or one.
 *
 * @param prefixBits how many bits count
 */
record AddressRange(InetAddress base, int prefixBits) {
    /** Addresses only: a name would be looked up, now and never again. */
    private static final Pattern NUMERIC = Pattern.compile("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    static AddressRange parse(String text) {
        int slash = text.indexOf('/');
        String address = slash < 0 ? text : text.substring(0, slash);
        try {
            if (NUMERIC.matcher(address).matches()) {
                InetAddress base = InetAddress.getByName(address);
                int bits = base.getAddress().length * 8;
                int prefix = slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1));
                if (prefix >= 0 && prefix <= bits) {
                    return new AddressRange(base, prefix);
                }
            }
        } catch (UnknownHostException | NumberFormatException e) {
            // Falls through to the refusal.
        }
        throw ProblemException.invalid(
                "not an address or range of addresses",
                text,
                "such as 192.0.2.7, 10.1.0.0/16 or 2001:db8::/32",
                "");
    }

    boolean contains(InetAddress address) {
        byte[] wanted = base.getAddress();
        byte[] asked = address.getAddress();
        if (wanted.length != asked.length) {
            return false;
        }
        for (int bit = 0; bit < prefixBits; bit += 8) {
            int counted = Math.min(8, prefixBits - bit);
            int mask = (0xff << (8 - counted)) & 0xff;
            if (((wanted[bit / 8] ^ asked[bit / 8]) & mask) != 0) {
                return false;
            }
        }
        return true;
    }
}
