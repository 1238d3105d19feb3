<?php

declare(strict_types=1);

require_once __DIR__ . '/StandIn.php';

use PHPUnit\Framework\TestCase;

/** Example tests of a shop's program: copy them and replace the calls of `shop` with your own program. */
final class AnsweringTest extends TestCase
{
    private static ?StandIn $standIn = null;

    public static function setUpBeforeClass(): void
    {
        self::$standIn = new StandIn();
    }

    public static function tearDownAfterClass(): void
    {
        self::$standIn?->stop();
    }

    /** Returns the first chat that waits for the shop. */
    private function waiting(): int
    {
        $filter = ['statuses' => ['WAITING_FOR_PARTNER'], 'types' => ['CHAT']];
        [$status, $body] = self::$standIn->shop('chats', $filter);
        self::assertSame(200, $status);
        return $body['result']['chats'][0]['chatId'];
    }

    public function testAnAnsweredChatWaitsForTheBuyer(): void
    {
        $chat = $this->waiting();
        $sent = self::$standIn->shop("chats/message?chatId=$chat", ['message' => 'Отправим сегодня.']);
        self::assertSame([200, ['status' => 'OK']], $sent);
        [, $body] = self::$standIn->shop("chat?chatId=$chat");
        self::assertSame('WAITING_FOR_CUSTOMER', $body['result']['status']);
    }

    public function testTheBuyerWritesBack(): void
    {
        $chat = $this->waiting();
        self::$standIn->shop("chats/message?chatId=$chat", ['message' => 'Уже в пути.']);
        self::$standIn->buyer($chat, 'Спасибо, жду!');
        [, $body] = self::$standIn->shop("chats/history?chatId=$chat", []);
        $last = end($body['result']['messages']);
        self::assertSame(['CUSTOMER', 'Спасибо, жду!'], [$last['sender'], $last['message']]);
    }

    public function testAWrongKeyIsRefused(): void
    {
        [$status, $body] = self::$standIn->shop('chats', [], 'ACMA:wrong');
        self::assertSame([401, 'ERROR'], [$status, $body['status']]);
    }

    public function testTheApiBreaksOnceWhenTold(): void
    {
        $fault = ['operation' => 'getChats', 'kind' => 'status', 'status' => 500, 'count' => 1];
        self::$standIn->admin('faults', $fault);
        self::assertSame(500, self::$standIn->shop('chats', [])[0]);
        self::assertSame(200, self::$standIn->shop('chats', [])[0]);
    }
}
