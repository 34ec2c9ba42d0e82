package dev.tidemark.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.blockdevice.ErrorCode;
import dev.tidemark.blockdevice.SharedSpace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What hosts learn of how full the storage behind a thin disk is; counts are of 1 MiB. */
@Timeout(60)
final class SharedSpaceTest {
    private static final String LIST_OF_PAGES = "4d000000000000010000";
    private static final String LIST_OF_SUBPAGES = "4d0000ff000000010000";
    private static final String SPACE_PAGE = "4d000c00000000010000";
    private static final String MODE_PAGE = "5a08%x%x02000000010000";
    private static final String MODE_SELECT = "55100000000000002800";
    private static final String REACHED = "6/3807";
    private static final int MODE_HEADER_BYTES = 8;

    private final TestDisk disk = new TestDisk(4 << 20).sharing(free(1000));
    private final TestServer server = new TestServer(new TestCatalog().add("disk", disk));

    SharedSpaceTest() throws IOException {
        // for the server
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /** Of 1000 MiB; not whole ones, to see them rounded. */
    private static SharedSpace free(long mib) {
        long available = (mib << 20) + (mib == 1000 ? 0 : 4096);
        return new SharedSpace((1000L << 20) - available, available);
    }

    private RawInitiator port(int number) throws IOException {
        return new RawInitiator(server.address).fromPort(number).ready("disk");
    }

    private static RawInitiator.Answer ask(RawInitiator initiator, String cdb) throws IOException {
        initiator.send(initiator.command(cdb, RawInitiator.READ, 256));
        return initiator.receive();
    }

    private static String data(RawInitiator initiator, String cdb) throws IOException {
        RawInitiator.Answer answer = ask(initiator, cdb);
        assertThat(answer.status()).isZero();
        return HexFormat.of().formatHex(answer.data());
    }

    private static String ready(RawInitiator initiator) throws IOException {
        initiator.send(initiator.command("000000000000", 0, 0));
        return initiator.receive().sense();
    }

    private static String modePage(RawInitiator initiator, int control) throws IOException {
        String cdb = MODE_PAGE.formatted(control << 2 | 1, 0xc);
        return data(initiator, cdb).substring(2 * MODE_HEADER_BYTES);
    }

    private static RawInitiator.Answer select(RawInitiator initiator, String page)
            throws IOException {
        byte[] list = HexFormat.of().parseHex("00".repeat(MODE_HEADER_BYTES) + page);
        initiator.send(initiator.command(MODE_SELECT, RawInitiator.WRITE, list.length), list);
        return initiator.receive();
    }

    @Test
    void pages_of_the_log_are_listed_and_tell_how_full_the_storage_is() throws IOException {
        try (RawInitiator host = port(1)) {
            assertThat(data(host, LIST_OF_PAGES)).isEqualTo("00000002000c");
            assertThat(data(host, LIST_OF_SUBPAGES)).isEqualTo("40ff0006000000ff0c00");
            disk.sharing(free(300));
            String header = "0c000018";
            String available = "00010308" + "0000012c" + "02000000";
            String used = "00020308" + "000002bc" + "02000000";
            assertThat(data(host, SPACE_PAGE)).isEqualTo(header + available + used);
            assertThat(data(host, "4d004c00000002010000")).isEqualTo("0c00000c" + used);
            assertThat(data(host, "4d000c00000000000600")).isEqualTo(header + "0001");
        }
    }

    @Test
    void what_a_log_does_not_have_is_refused() throws IOException {
        try (RawInitiator host = port(1)) {
            for (String cdb :
                    new String[] {
                        "4d010c00000000010000", // SP
                        "4d020c00000000010000", // PPC
                        "4d000d00000000010000", // another page
                        "4d000c01000000010000", // a subpage
                        "4d000c00000003010000", // past the last parameter
                        "4d000000000001010000", // a parameter of the list of pages
                    }) {
                assertThat(ask(host, cdb).sense()).as(cdb).isEqualTo("5/2400");
            }
        }
    }

    @Test
    void a_disk_that_does_not_know_offers_neither_log_page_nor_thresholds() throws IOException {
        TestDisk plain = new TestDisk(4 << 20);
        try (TestServer other = new TestServer(new TestCatalog().add("disk", plain));
                RawInitiator host = new RawInitiator(other.address).ready("disk")) {
            assertThat(data(host, LIST_OF_PAGES)).isEqualTo("0000000100");
            assertThat(data(host, LIST_OF_SUBPAGES)).isEqualTo("40ff0004000000ff");
            assertThat(ask(host, SPACE_PAGE).sense()).isEqualTo("5/2400");
            assertThat(ask(host, MODE_PAGE.formatted(1, 0xc)).sense()).isEqualTo("5/2400");
            assertThat(data(host, "1201b2010000")).isEqualTo("00b2000400e60200");
        }
    }

    @Test
    void counts_are_in_the_unit_that_page_b2_names() throws IOException {
        try (RawInitiator host = port(1)) {
            assertThat(data(host, "1201b2010000")).isEqualTo("00b200040be60200");
            assertThat(512 << 0x0b).isEqualTo(1 << 20);
        }
    }

    @Test
    void every_session_hears_once_of_each_time_a_threshold_is_reached() throws IOException {
        try (RawInitiator one = port(1);
                RawInitiator two = port(2)) {
            assertThat(ready(one)).isEmpty();
            disk.sharing(free(101));
            assertThat(ready(one)).isEmpty();
            disk.sharing(free(100));
            assertThat(ready(one)).isEqualTo(REACHED);
            assertThat(ready(one)).isEmpty();
            disk.sharing(free(50));
            assertThat(ready(one)).isEmpty();
            assertThat(ready(two)).isEqualTo(REACHED);
            assertThat(ready(two)).isEmpty();
            disk.sharing(free(106)); // too little to be told again
            assertThat(ready(one)).isEmpty();
            disk.sharing(free(99));
            assertThat(ready(one)).isEmpty();
            disk.sharing(free(107));
            assertThat(ready(one)).isEmpty();
            disk.sharing(free(99));
            assertThat(ready(one)).isEqualTo(REACHED);
            assertThat(ready(two)).isEmpty(); // it did not look in between
            try (RawInitiator late = port(3)) {
                assertThat(ready(late)).isEqualTo(REACHED);
                assertThat(ready(late)).isEmpty();
            }
        }
    }

    @Test
    void thresholds_can_be_read_and_set() throws IOException {
        String page = "5c02001c" + "00".repeat(12) + "8201000000000064" + "0102000000000384";
        try (RawInitiator one = port(1);
                RawInitiator two = port(2)) {
            assertThat(modePage(one, 0)).isEqualTo(page);
            assertThat(modePage(one, 2)).isEqualTo(page);
            assertThat(modePage(one, 1))
                    .isEqualTo("5c02001c" + "00".repeat(12) + "80000000ffffffff".repeat(2));
            disk.sharing(free(600));
            assertThat(ready(one)).isEmpty();
            String changed = page.replace("82010000", "02010000").replace("01020000", "81020000");
            changed = changed.replace("00000384", "00000258");
            assertThat(select(one, changed).status()).isZero();
            assertThat(modePage(one, 0)).isEqualTo(changed);
            assertThat(ready(two)).isEqualTo("6/2a01");
            assertThat(modePage(two, 2)).isEqualTo(page);
        }
    }

    @Test
    void a_threshold_that_is_set_where_the_space_is_already_is_told_of() throws IOException {
        try (RawInitiator one = port(1);
                RawInitiator two = port(2)) {
            disk.sharing(free(600));
            assertThat(ready(one)).isEmpty();
            String page = modePage(one, 0).replace("0102000000000384", "8102000000000190");
            assertThat(select(one, page).status()).isZero();
            assertThat(ready(one)).isEqualTo(REACHED);
            assertThat(ready(two)).isEqualTo("6/2a01");
            assertThat(ready(two)).isEqualTo(REACHED);
            assertThat(ready(two)).isEmpty();
            assertThat(modePage(two, 0)).isEqualTo(page);
        }
    }

    @Test
    void what_cannot_be_changed_of_thresholds_stays() throws IOException {
        try (RawInitiator host = port(1)) {
            String page = modePage(host, 0);
            for (int at : new int[] {4, 16, 17, 18, 25}) { // SITUA, arming, resources
                byte[] wrong = HexFormat.of().parseHex(page);
                wrong[at] ^= 1;
                assertThat(select(host, HexFormat.of().formatHex(wrong)).sense())
                        .as("byte %d", at)
                        .isEqualTo("5/2600");
            }
            assertThat(modePage(host, 0)).isEqualTo(page);
        }
    }

    @Test
    void writes_without_room_say_so_and_reads_go_on() throws IOException {
        try (RawInitiator host = port(1)) {
            disk.failWith(ErrorCode.NO_SPACE);
            host.send(host.write10(0, 1), new byte[512]);
            assertThat(host.receive().sense()).isEqualTo("7/2707");
            host.send(
                    host.command("93000000000000000000000000080000", RawInitiator.WRITE, 512),
                    ByteBuffer.allocate(512).put((byte) 1).array());
            assertThat(host.receive().sense()).isEqualTo("7/2707");
            disk.failWith(null);
            host.send(host.read10(0, 1));
            assertThat(host.receive().status()).isZero();
        }
    }
}
