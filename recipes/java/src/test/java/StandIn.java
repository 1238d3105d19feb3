import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Starts and stops a stand-in, the mock server of the chats API, for tests. */
final class StandIn implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    final String url;
    final long businessId;
    final String apiKey;
    final String marketKey;
    final String adminKey;

    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();

    /** Response of the API. */
    record Answer(int code, JsonNode body) {}

    /** Starts a stand-in and returns when it is ready. */
    StandIn(String... options) throws IOException {
        String program = Objects.requireNonNullElse(System.getenv("BESEDA_BIN"), "beseda");
        List<String> command = new ArrayList<>(List.of(program, "stand-in", "--json", "--listen", "127.0.0.1:0"));
        command.addAll(List.of(options));
        process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        BufferedReader output = process.inputReader();
        String line = output.readLine();
        if (line == null) {
            throw new IOException("the stand-in ended before it was ready");
        }
        JsonNode ready = JSON.readTree(line);
        url = ready.get("url").asText();
        businessId = ready.get("businessId").asLong();
        apiKey = ready.get("apiKey").asText();
        marketKey = ready.get("marketKey").asText();
        adminKey = ready.get("adminKey").asText();
    }

    /** Calls the API as the program under test would: GET without a body, otherwise POST. */
    Answer shop(String path, Object body) throws IOException, InterruptedException {
        return shop(apiKey, path, body);
    }

    /** Does the same with another key. */
    Answer shop(String key, String path, Object body) throws IOException, InterruptedException {
        return call("/v2/businesses/" + businessId + "/" + path, "Api-Key", key, body);
    }

    /** Sends a message to a chat as the buyer. */
    void buyer(long chat, String text) throws IOException, InterruptedException {
        String path = "/market/v1/businesses/" + businessId + "/chats/" + chat + "/messages";
        Answer answer = call(path, "Authorization", "Bearer " + marketKey, Map.of("sender", "CUSTOMER", "message", text));
        if (answer.code() != 200) {
            throw new IOException("the buyer could not write: " + answer);
        }
    }

    /** Controls the stand-in: faults, clock, reset. */
    Answer admin(String path, Object body) throws IOException, InterruptedException {
        return call("/__admin/" + path, "Authorization", "Bearer " + adminKey, body);
    }

    private Answer call(String path, String header, String credential, Object body)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path))
                .timeout(Duration.ofSeconds(10))
                .header(header, credential)
                .header("Content-Type", "application/json");
        if (body != null) {
            request.POST(BodyPublishers.ofString(JSON.writeValueAsString(body)));
        }
        var response = client.send(request.build(), BodyHandlers.ofString());
        return new Answer(response.statusCode(), JSON.readTree(response.body()));
    }

    /** Stops it with SIGTERM and waits for its end. */
    @Override
    public void close() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(15, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
    }
}
