<?php

declare(strict_types=1);

/** Starts and stops a stand-in, the mock server of the chats API, for tests. Needs no extension but JSON. */
final class StandIn
{
    public readonly string $url;
    public readonly int $businessId;
    public readonly string $apiKey;
    public readonly string $marketKey;
    public readonly string $adminKey;

    /** @var resource */
    private $process;

    /** @var resource */
    private $output;

    /** Starts a stand-in and returns when it is ready. */
    public function __construct(string ...$options)
    {
        $program = getenv('BESEDA_BIN') ?: 'beseda';
        $command = [$program, 'stand-in', '--json', '--listen', '127.0.0.1:0', ...$options];
        $process = proc_open($command, [1 => ['pipe', 'w'], 2 => STDERR], $pipes);
        if ($process === false) {
            throw new RuntimeException("can't start $program");
        }
        [$this->process, $this->output] = [$process, $pipes[1]];
        $line = fgets($this->output);
        if ($line === false) {
            throw new RuntimeException('the stand-in ended before it was ready');
        }
        $ready = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
        $this->url = $ready['url'];
        $this->businessId = $ready['businessId'];
        $this->apiKey = $ready['apiKey'];
        $this->marketKey = $ready['marketKey'];
        $this->adminKey = $ready['adminKey'];
    }

    /**
     * Calls the API as the program under test would: GET without a body, otherwise POST.
     *
     * @return array{int, array} status and body
     */
    public function shop(string $path, ?array $body = null, ?string $key = null): array
    {
        $url = "$this->url/v2/businesses/$this->businessId/$path";
        return $this->call($url, 'Api-Key: ' . ($key ?? $this->apiKey), $body);
    }

    /** Sends a message to a chat as the buyer. */
    public function buyer(int $chat, string $text): void
    {
        $url = "$this->url/market/v1/businesses/$this->businessId/chats/$chat/messages";
        $body = ['sender' => 'CUSTOMER', 'message' => $text];
        [$status] = $this->call($url, "Authorization: Bearer $this->marketKey", $body);
        if ($status !== 200) {
            throw new RuntimeException("the buyer could not write: $status");
        }
    }

    /** Controls the stand-in: faults, clock, reset. */
    public function admin(string $path, array $body): array
    {
        return $this->call("$this->url/__admin/$path", "Authorization: Bearer $this->adminKey", $body);
    }

    /** Stops it with SIGTERM and waits for its end; does nothing if it has stopped. */
    public function stop(): void
    {
        if (is_resource($this->process)) {
            proc_terminate($this->process);
            fclose($this->output);
            proc_close($this->process);
        }
    }

    /** @return array{int, array} */
    private function call(string $url, string $credential, ?array $body): array
    {
        $options = [
            'method' => $body === null ? 'GET' : 'POST',
            'header' => [$credential, 'Content-Type: application/json'],
            'content' => $body === null ? '' : json_encode((object) $body, JSON_UNESCAPED_UNICODE),
            'ignore_errors' => true,
            'timeout' => 10,
        ];
        $answer = file_get_contents($url, false, stream_context_create(['http' => $options]));
        if ($answer === false || !preg_match('~^HTTP/\S+ (\d+)~', $http_response_header[0], $found)) {
            throw new RuntimeException("no answer from $url");
        }
        return [(int) $found[1], json_decode($answer, true, flags: JSON_THROW_ON_ERROR)];
    }
}
