package dev.tidemark.gateway.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.gateway.server.Gateway;
import dev.tidemark.gateway.server.TestGateways;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A site without peers, by its commands. */
final class SiteCommandTest {
    private Gateway gateway;

    @BeforeEach
    void start(@TempDir Path scratch) throws Exception {
        gateway = TestGateways.start(scratch.resolve("data"));
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    private record Outcome(int code, String out, String err) {}

    private Outcome run(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--data", gateway.dataDirectory().toString()));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line =
                Tidemark.commandLine()
                        .setOut(new PrintWriter(out, true))
                        .setErr(new PrintWriter(err, true));
        int code = line.execute(all.toArray(String[]::new));
        return new Outcome(code, out.toString(), err.toString());
    }

    @Test
    void a_gateway_that_is_no_site_says_how_to_make_it_one() {
        for (String command : List.of("list", "show", "invite", "renew")) {
            Outcome outcome = run("site", command);
            assertThat(outcome.code()).isEqualTo(1);
            assertThat(outcome.err()).contains("tidemark site init --listen");
        }
    }

    @Test
    void a_site_shows_itself_and_renews_its_certificate() {
        Outcome made = run("site", "init", "--name", "berlin");
        assertThat(made.out()).contains("site berlin, ").contains("listens      -");
        Outcome shown = run("site", "show");
        assertThat(shown.out()).isEqualTo(made.out());
        Outcome renewed = run("site", "renew");
        assertThat(renewed.code()).isZero();
        assertThat(renewed.out()).isNotEqualTo(made.out());
        assertThat(run("site", "list").out()).startsWith("NAME");
        assertThat(run("site", "list", "--json").out().strip()).isEqualTo("[ ]");
    }

    @Test
    void what_makes_no_sense_is_refused_with_a_way_out() {
        run("site", "init", "--name", "berlin");
        assertThat(run("site", "init").err()).contains("is a site already");
        assertThat(run("site", "invite").err()).contains("invite at the other site");
        assertThat(run("site", "pair", "word").err()).contains("begins with tmk1.");
        assertThat(run("site", "show", "paris").err()).contains("no such peer");
        assertThat(run("site", "unpair", "paris").err()).contains("tidemark site list");
        assertThat(run("site", "revoke", "paris").err())
                .contains("either --certificate SERIAL or --all");
        assertThat(run("site", "revoke", "paris", "--all").err()).contains("no such peer");
    }

    @Test
    void names_and_addresses_are_checked_before_anything_is_made() {
        assertThat(run("site", "init", "--name", "two words").err()).contains("not a site name");
        assertThat(run("site", "init", "--listen", "here").err()).contains("host:port");
        assertThat(run("site", "init", "--advertise", "host:0").err())
                .contains("not an address that peers could dial");
        assertThat(run("site", "show").code()).isEqualTo(1);
        assertThat(run("site", "init", "--name", "berlin").code()).isZero();
    }
}
