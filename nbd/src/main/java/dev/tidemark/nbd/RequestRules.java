package dev.tidemark.nbd;

import dev.tidemark.blockdevice.Geometry;

/** What a request must look like before its payload is worth keeping: the one place that checks. */
final class RequestRules {
    private RequestRules() {}

    /** The error a request deserves, {@link NbdError#OK} when it may go to the device. */
    static NbdError check(RequestHeader request, Geometry geometry, boolean readOnly) {
        NbdCommand command = request.command;
        if (command == null
                || command == NbdCommand.CACHE
                || command == NbdCommand.BLOCK_STATUS
                || (request.flags & ~command.flags()) != 0) {
            return NbdError.EINVAL;
        }
        if (command == NbdCommand.FLUSH || command == NbdCommand.DISCONNECT) {
            return NbdError.OK; // their offset and length mean nothing
        }
        if (readOnly && command.modifies()) {
            return NbdError.EPERM;
        }
        return checkRange(request, command, geometry);
    }

    private static NbdError checkRange(
            RequestHeader request, NbdCommand command, Geometry geometry) {
        long offsetBytes = request.offsetBytes;
        long lengthBytes = request.lengthBytes;
        boolean carriesData = command == NbdCommand.READ || command == NbdCommand.WRITE;
        if (carriesData && lengthBytes > geometry.maximumBytes()) {
            return NbdError.EINVAL;
        }
        if (((offsetBytes | lengthBytes) & (geometry.minimumBytes() - 1)) != 0) {
            return NbdError.EINVAL;
        }
        if (offsetBytes < 0 || lengthBytes > geometry.sizeBytes() - offsetBytes) {
            return NbdError.outOfRange(command);
        }
        return NbdError.OK;
    }
}
