package dev.tidemark.replica;

/** What a group is at this site. The code is part of the format. */
public enum GroupRole {
    /** Its live disks run here. */
    ACTIVE(0),
    /** A copy of a group that is active at another site: fed by a link, hosts are refused. */
    STANDBY(1),
    /** It was active, and another site has taken it over: hosts are refused. */
    FENCED(2),
    /**
     * On its way to be a copy of the site that is active now: its disks are being set back to where
     * both histories agree. Hosts are refused, and nothing is taken yet.
     */
    REJOINING(3);

    private final int code;

    GroupRole(int code) {
        this.code = code;
    }

    /** In files and messages. */
    public int code() {
        return code;
    }

    /** The role with a code; CORRUPT when there is none. */
    public static GroupRole ofCode(int code) throws ReplicaException {
        for (GroupRole role : values()) {
            if (role.code == code) {
                return role;
            }
        }
        throw new ReplicaException(
                ReplicaException.Kind.CORRUPT, "there is no role with the code " + code);
    }
}
