package dev.tidemark.iscsi.login;

/** Ends a login with a status. The message is for the log. */
public final class LoginException extends Exception {
    private static final long serialVersionUID = 1;

    /** What the initiator is told. */
    private final LoginStatus status;

    public LoginException(LoginStatus status, String message) {
        super(message);
        this.status = status;
    }

    public LoginStatus status() {
        return status;
    }
}
