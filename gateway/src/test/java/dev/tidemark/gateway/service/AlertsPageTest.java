package dev.tidemark.gateway.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.replica.GroupListener;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The table of alerts in docs/operating.md. */
final class AlertsPageTest {
    private static final Pattern KIND = Pattern.compile("`([a-z-]+)`");

    @Test
    void the_page_tells_of_every_kind_of_alert_and_of_no_other() throws Exception {
        assertThat(kindsOnThePage()).containsExactlyInAnyOrderElementsOf(kindsRaised());
    }

    /** All that the engine can tell, told once, and what the gateway raises itself. */
    private static List<String> kindsRaised() throws Exception {
        Alerts alerts = new Alerts(Clock.systemUTC());
        GroupListener listener = alerts.listener(UUID::toString);
        for (Method method : GroupListener.class.getMethods()) {
            method.invoke(
                    listener,
                    Arrays.stream(method.getParameterTypes())
                            .map(AlertsPageTest::something)
                            .toArray());
        }
        return Stream.concat(alerts.counts().keySet().stream(), Alerts.GATEWAY_KINDS.stream())
                .toList();
    }

    private static Object something(Class<?> type) {
        if (type == UUID.class) {
            return new UUID(1, 2);
        } else if (type == String.class) {
            return "text";
        } else if (type == long.class) {
            return 1L;
        } else if (type == int.class) {
            return 1;
        } else if (type == boolean.class) {
            return true;
        }
        throw new AssertionError("an argument of a new kind: " + type);
    }

    /** What the first cells of the table under "Alerts" name. */
    private static List<String> kindsOnThePage() throws Exception {
        String page = Files.readString(Path.of("../docs/operating.md"));
        String section = page.substring(page.indexOf("\n## Alerts"), page.indexOf("\n## Failures"));
        return section.lines()
                .filter(line -> line.startsWith("| `"))
                .map(line -> line.substring(2, line.indexOf(" |", 2)))
                .flatMap(cell -> KIND.matcher(cell).results().map(found -> found.group(1)))
                .toList();
    }
}
