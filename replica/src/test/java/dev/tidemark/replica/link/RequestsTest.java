package dev.tidemark.replica.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidemark.execution.simulation.SimulatedScheduler;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RequestsTest {
    private static final long TIMEOUT = TimeUnit.SECONDS.toNanos(30);

    private final SimulatedScheduler scheduler = new SimulatedScheduler(1);
    private final Requests requests = new Requests(scheduler, scheduler.newSerial("link"), TIMEOUT);
    private final CompletableFuture<ByteBuf> answer = new CompletableFuture<>();

    private static LinkException failure(CompletableFuture<ByteBuf> answer) {
        return (LinkException) answer.exceptionNow();
    }

    @Test
    void anAnswerReachesItsRequestOnly() {
        CompletableFuture<ByteBuf> other = new CompletableFuture<>();
        requests.begin(other);
        int id = requests.begin(answer);
        requests.answered(id, 0, Unpooled.wrappedBuffer(new byte[] {5}), "");
        assertThat(answer.resultNow().getByte(0)).isEqualTo((byte) 5);
        assertThat(other).isNotDone();
        scheduler.runFor(TIMEOUT);
        assertThat(failure(other).kind()).isEqualTo(LinkException.Kind.TIMED_OUT);
        assertThat(scheduler.timerCount()).isZero();
    }

    @Test
    void aRefusalKeepsThePeersCodeAndText() {
        int id = requests.begin(answer);
        requests.answered(id, 7, Unpooled.EMPTY_BUFFER, "not today");
        assertThat(failure(answer).code()).isEqualTo(7);
        assertThat(failure(answer)).hasMessage("not today");
    }

    @Test
    void anAnswerAfterItsTimeIsDropped() {
        int id = requests.begin(answer);
        scheduler.runFor(TIMEOUT);
        requests.answered(id, 0, Unpooled.EMPTY_BUFFER, "");
        assertThat(failure(answer).kind()).isEqualTo(LinkException.Kind.TIMED_OUT);
    }

    @Test
    void theEndOfTheLinkFailsEverythingAndTheNumberIsBounded() {
        for (int i = 0; i < Requests.MAXIMUM_OUTSTANDING; i++) {
            assertThat(requests.isFull()).isFalse();
            requests.begin(answer);
        }
        assertThat(requests.isFull()).isTrue();
        requests.failAll("cut");
        assertThat(failure(answer).kind()).isEqualTo(LinkException.Kind.DOWN);
        assertThat(requests.isFull()).isFalse();
        assertThat(scheduler.timerCount()).isZero();
    }
}
