package dev.tidemark.nbd;

import dev.tidemark.blockdevice.Geometry;

/**
 * What a request must look like before its payload is worth keeping: the one place that checks.
 *
 * @param form what the client has agreed on
 * @param readOnly nothing may be changed
 * @param contexts number of metadata contexts the client has selected
 */
record RequestRules(ReplyForm form, boolean readOnly, int contexts) {

    /** The error a request deserves, {@link NbdError#OK} when it may go to the device. */
    NbdError check(RequestHeader request, Geometry geometry) {
        NbdCommand command = request.command;
        if (command == null || (request.flags & ~allowedFlags(command)) != 0) {
            return NbdError.EINVAL;
        }
        return switch (command) {
            // Their offset and length mean nothing.
            case FLUSH, DISCONNECT -> NbdError.OK;
            case BLOCK_STATUS -> checkStatus(request, geometry);
            case WRITE -> checkWrite(request, geometry);
            case READ, CACHE -> checkRange(request, command, geometry);
            case TRIM, WRITE_ZEROES ->
                    readOnly ? NbdError.EPERM : checkRange(request, command, geometry);
        };
    }

    private int allowedFlags(NbdCommand command) {
        int flags = command.flags();
        if (!form.chunked()) {
            flags &= ~CommandFlags.DF; // not advertised to such a client
        }
        if (form != ReplyForm.EXTENDED) {
            flags &= ~CommandFlags.PAYLOAD_LEN;
        }
        return flags;
    }

    private NbdError checkWrite(RequestHeader request, Geometry geometry) {
        return readOnly ? NbdError.EPERM : checkRange(request, NbdCommand.WRITE, geometry);
    }

    /** A selection of contexts is looked at when it has arrived: {@link StatusPayload}. */
    private NbdError checkStatus(RequestHeader request, Geometry geometry) {
        if (contexts == 0) {
            return NbdError.EINVAL;
        }
        if (request.has(CommandFlags.PAYLOAD_LEN)) {
            return StatusPayload.sound(request.payloadBytes, contexts)
                    ? NbdError.OK
                    : NbdError.EINVAL;
        }
        // An answer has an extent, which has a length.
        return request.lengthBytes == 0
                ? NbdError.EINVAL
                : checkRange(request, NbdCommand.BLOCK_STATUS, geometry);
    }

    NbdError checkRange(RequestHeader request, NbdCommand command, Geometry geometry) {
        long offsetBytes = request.offsetBytes;
        long lengthBytes = request.lengthBytes;
        boolean carriesData = command == NbdCommand.READ || command == NbdCommand.WRITE;
        if (carriesData && (lengthBytes < 0 || lengthBytes > geometry.maximumBytes())) {
            // Only who may be answered in chunks is told so (proto.md "Error values").
            return command == NbdCommand.READ && form.chunked()
                    ? NbdError.EOVERFLOW
                    : NbdError.EINVAL;
        }
        if (((offsetBytes | lengthBytes) & (geometry.minimumBytes() - 1)) != 0) {
            return NbdError.EINVAL;
        }
        if (offsetBytes < 0
                || lengthBytes < 0
                || lengthBytes > geometry.sizeBytes() - offsetBytes) {
            return NbdError.outOfRange(command);
        }
        return NbdError.OK;
    }

    /** A verdict in words, for clients that are told: what, value, limit. */
    static String explain(RequestHeader request, NbdError verdict, Geometry geometry) {
        NbdCommand command = request.command;
        if (command == null) {
            return "command " + request.type + " is not known";
        }
        String range =
                "%s of %s bytes at %s"
                        .formatted(
                                command,
                                Long.toUnsignedString(request.lengthBytes),
                                Long.toUnsignedString(request.offsetBytes));
        return switch (verdict) {
            case EPERM -> command + " on a read-only export";
            case EOVERFLOW -> range + " exceeds the maximum of " + geometry.maximumBytes();
            case ENOSPC -> range + " ends beyond the export's " + geometry.sizeBytes();
            default ->
                    "%s with flags 0x%x is not valid here: the export has %d bytes in blocks of %d"
                            .formatted(
                                    range,
                                    request.flags,
                                    geometry.sizeBytes(),
                                    geometry.minimumBytes());
        };
    }
}
