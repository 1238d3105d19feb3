<?php
// A conversation through a PHP client generated from the contract of 2024. Every model that an answer becomes must be valid
// by the client's own rules: nothing required is missing. First everything the demo holds is read as it is, then a shop
// and a buyer talk.
//
// `cargo xtask external` generates the client and runs this file with BESEDA_STAND_IN and CLIENT, the client's folder.

declare(strict_types=1);

use GuzzleHttp\Client;
use OpenAPI\Client\Api\CampaignsApi;
use OpenAPI\Client\Api\ChatsApi;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;
use OpenAPI\Client\Model\CreateChatRequest;
use OpenAPI\Client\Model\GetChatHistoryRequest;
use OpenAPI\Client\Model\GetChatsRequest;
use OpenAPI\Client\Model\ModelInterface;
use OpenAPI\Client\Model\SendMessageToChatRequest;

require 'GuzzleHttp/autoload.php';
spl_autoload_register(static function (string $class): void {
    $prefix = 'OpenAPI\\Client\\';
    if (str_starts_with($class, $prefix)) {
        require getenv('CLIENT') . '/lib/' . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
    }
});

const ORDER = 7_800_000_000_002;

function check(bool $holds, string $what): void
{
    if (!$holds) {
        fwrite(STDERR, "PHP: $what\n");
        exit(1);
    }
}

/** Checks a model and all in it against the rules of the generated client. */
function valid(mixed $value): mixed
{
    if ($value instanceof ModelInterface) {
        $wrong = implode('; ', $value->listInvalidProperties());
        check($value->valid(), $value->getModelName() . " is not valid: $wrong");
        foreach ($value::getters() as $getter) {
            valid($value->$getter());
        }
    } elseif (is_array($value)) {
        array_walk($value, valid(...));
    }
    return $value;
}

$standIn = json_decode((string) getenv('BESEDA_STAND_IN'), true, flags: JSON_THROW_ON_ERROR);
$http = new Client(['headers' => ['Authorization' => 'Bearer ' . $standIn['oauthToken']], 'proxy' => '']);
$settings = (new Configuration())->setHost($standIn['url']);
$business = $standIn['businessId'];
$chats = new ChatsApi($http, $settings);

$market = static function (string $path, array $body) use ($standIn, $business): void {
    $url = "{$standIn['url']}/market/v1/businesses/$business/$path";
    $headers = ['Authorization' => 'Bearer ' . $standIn['marketKey']];
    (new Client(['proxy' => '']))->post($url, ['headers' => $headers, 'json' => $body]);
};

$history = static function (int $chat, int $order) use ($chats, $business): array {
    $all = [];
    $token = null;
    do {
        $result = valid($chats->getChatHistory($business, $chat, new GetChatHistoryRequest(), $token, 5))->getResult();
        check($result->getOrderId() === $order, "the history of chat $chat is of another order");
        array_push($all, ...$result->getMessages());
        $token = $result->getPaging()?->getNextPageToken();
    } while ($token !== null);
    return $all;
};

$campaigns = valid((new CampaignsApi($http, $settings))->getCampaigns())->getCampaigns();
$ids = array_map(static fn ($campaign) => $campaign->getId(), $campaigns);
check(in_array($standIn['campaignId'], $ids, true), 'the campaign of the stand-in is not listed');

[$read, $messages, $token] = [0, 0, null];
do {
    $result = valid($chats->getChats($business, new GetChatsRequest(), $token, 3))->getResult();
    foreach ($result->getChats() as $chat) {
        $read++;
        $messages += count($history($chat->getChatId(), $chat->getOrderId()));
    }
    $token = $result->getPaging()?->getNextPageToken();
} while ($token !== null);
check($read > 0 && $messages > 0, 'the demo is empty');

$market('orders', ['orderId' => ORDER, 'campaignId' => $standIn['campaignId']]);
$created = valid($chats->createChat($business, new CreateChatRequest(['order_id' => ORDER])));
$chat = $created->getResult()->getChatId();
$text = new SendMessageToChatRequest(['message' => 'Здравствуйте!']);
check(valid($chats->sendMessageToChat($business, $chat, $text))->getStatus() === 'OK', 'a message is not sent');
$market("chats/$chat/messages", ['sender' => 'CUSTOMER', 'message' => 'Добрый день']);
$path = tempnam(sys_get_temp_dir(), 'upload');
file_put_contents($path, 'contents');
valid($chats->sendFileToChat($business, $chat, new SplFileObject($path)));
unlink($path);
$said = $history($chat, ORDER);
check(count($said) === 3, 'there are not three messages');
check($said[0]->getMessage() === 'Здравствуйте!' && $said[1]->getSender() === 'CUSTOMER', 'other words');
check($said[2]->getPayload()[0]->getSize() === 8, 'another file');

try {
    $chats->getChatHistory($business, 999_999_999_999, new GetChatHistoryRequest());
    check(false, 'an unknown chat is found');
} catch (ApiException $error) {
    check($error->getCode() === 404, 'an unknown chat is ' . $error->getCode());
}
echo "PHP read $read chats with $messages messages of the demo and talked\n";
