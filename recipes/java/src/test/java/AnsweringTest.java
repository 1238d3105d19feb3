import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Example tests of a shop's program: copy them and replace the calls of {@code shop} with your own program. */
final class AnsweringTest {
    private static StandIn standIn;

    @BeforeAll
    static void start() throws Exception {
        standIn = new StandIn();
    }

    @AfterAll
    static void end() throws Exception {
        standIn.close();
    }

    /** Returns the first chat that waits for the shop. */
    private long waiting() throws Exception {
        var filter = Map.of("statuses", List.of("WAITING_FOR_PARTNER"), "types", List.of("CHAT"));
        StandIn.Answer answer = standIn.shop("chats", filter);
        assertEquals(200, answer.code());
        return answer.body().at("/result/chats/0/chatId").asLong();
    }

    @Test
    void anAnsweredChatWaitsForTheBuyer() throws Exception {
        long chat = waiting();
        var sent = standIn.shop("chats/message?chatId=" + chat, Map.of("message", "Отправим сегодня."));
        assertEquals(200, sent.code());
        var now = standIn.shop("chat?chatId=" + chat, null);
        assertEquals("WAITING_FOR_CUSTOMER", now.body().at("/result/status").asText());
    }

    @Test
    void theBuyerWritesBack() throws Exception {
        long chat = waiting();
        standIn.shop("chats/message?chatId=" + chat, Map.of("message", "Уже в пути."));
        standIn.buyer(chat, "Спасибо, жду!");
        JsonNode messages = standIn.shop("chats/history?chatId=" + chat, Map.of()).body().at("/result/messages");
        JsonNode last = messages.get(messages.size() - 1);
        assertEquals("CUSTOMER", last.get("sender").asText());
        assertEquals("Спасибо, жду!", last.get("message").asText());
    }

    @Test
    void aWrongKeyIsRefused() throws Exception {
        var answer = standIn.shop("ACMA:wrong", "chats", Map.of());
        assertEquals(401, answer.code());
        assertEquals("ERROR", answer.body().get("status").asText());
    }

    @Test
    void theApiBreaksOnceWhenTold() throws Exception {
        standIn.admin("faults", Map.of("operation", "getChats", "kind", "status", "status", 500, "count", 1));
        assertEquals(500, standIn.shop("chats", Map.of()).code());
        assertEquals(200, standIn.shop("chats", Map.of()).code());
    }
}
