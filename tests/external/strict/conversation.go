// A conversation through a Go client generated from the contract of 2024, which refuses every field it doesn't know and
// misses every one that is required. First everything the demo holds is read as it is, then a shop and a buyer talk.
//
// `cargo xtask external` generates the client, puts this file beside it and runs it with BESEDA_STAND_IN.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	client "example.org/beseda/strict"
)

type standIn struct {
	URL        string `json:"url"`
	BusinessID int64  `json:"businessId"`
	CampaignID int64  `json:"campaignId"`
	OAuthToken string `json:"oauthToken"`
	MarketKey  string `json:"marketKey"`
}

type shop struct {
	api     *client.APIClient
	standIn standIn
	ctx     context.Context
}

const order = 7_800_000_000_001

func main() {
	log.SetFlags(0)
	var told standIn
	must(json.Unmarshal([]byte(os.Getenv("BESEDA_STAND_IN")), &told))
	settings := client.NewConfiguration()
	settings.Servers = client.ServerConfigurations{{URL: told.URL}}
	settings.AddDefaultHeader("Authorization", "Bearer "+told.OAuthToken)
	shop := shop{client.NewAPIClient(settings), told, context.Background()}
	shop.readCampaigns()
	chats, messages := shop.readEverything()
	shop.talk()
	shop.missUnknownChat()
	fmt.Printf("Go read %d chats with %d messages of the demo and talked\n", chats, messages)
}

func (s shop) readCampaigns() {
	answer, _, err := s.api.CampaignsAPI.GetCampaigns(s.ctx).Execute()
	must(err)
	for _, campaign := range answer.Campaigns {
		if campaign.GetId() == s.standIn.CampaignID && campaign.Business.GetId() == s.standIn.BusinessID {
			return
		}
	}
	log.Fatal("the campaign of the stand-in is not listed")
}

// readEverything walks through all chats and all their messages, page by page.
func (s shop) readEverything() (chats, messages int) {
	for token := ""; ; {
		call := s.api.ChatsAPI.GetChats(s.ctx, s.standIn.BusinessID).Limit(3)
		call = call.GetChatsRequest(*client.NewGetChatsRequest())
		if token != "" {
			call = call.PageToken(token)
		}
		answer, _, err := call.Execute()
		must(err)
		for _, chat := range answer.Result.Chats {
			check(chat.OrderId > 0, "a chat without an order", chat.ChatId)
			chats++
			messages += len(s.history(chat.ChatId, chat.OrderId))
		}
		token = answer.Result.Paging.GetNextPageToken()
		if token == "" {
			check(chats > 0 && messages > 0, "the demo is empty", int64(chats))
			return chats, messages
		}
	}
}

func (s shop) history(chat, order int64) (all []client.ChatMessageDTO) {
	for token := ""; ; {
		call := s.api.ChatsAPI.GetChatHistory(s.ctx, s.standIn.BusinessID).ChatId(chat).Limit(5)
		call = call.GetChatHistoryRequest(*client.NewGetChatHistoryRequest())
		if token != "" {
			call = call.PageToken(token)
		}
		answer, _, err := call.Execute()
		must(err)
		check(answer.Result.OrderId == order, "a history of another order", chat)
		all = append(all, answer.Result.Messages...)
		token = answer.Result.Paging.GetNextPageToken()
		if token == "" {
			return all
		}
	}
}

// talk lets the shop and the buyer of a new order write, and sends a file.
func (s shop) talk() {
	s.market("orders", map[string]any{"orderId": order, "campaignId": s.standIn.CampaignID})
	created, _, err := s.api.ChatsAPI.CreateChat(s.ctx, s.standIn.BusinessID).
		CreateChatRequest(*client.NewCreateChatRequest(order)).Execute()
	must(err)
	chat := created.Result.ChatId
	_, _, err = s.api.ChatsAPI.SendMessageToChat(s.ctx, s.standIn.BusinessID).ChatId(chat).
		SendMessageToChatRequest(*client.NewSendMessageToChatRequest("Здравствуйте!")).Execute()
	must(err)
	s.market(fmt.Sprintf("chats/%d/messages", chat), map[string]any{"sender": "CUSTOMER", "message": "Добрый день"})
	file, err := os.CreateTemp("", "upload-*.txt")
	must(err)
	defer os.Remove(file.Name())
	_, err = file.WriteString("contents")
	must(err)
	_, err = file.Seek(0, io.SeekStart)
	must(err)
	_, _, err = s.api.ChatsAPI.SendFileToChat(s.ctx, s.standIn.BusinessID).ChatId(chat).File(file).Execute()
	must(err)
	messages := s.history(chat, order)
	check(len(messages) == 3, "not three messages", chat)
	check(messages[0].GetMessage() == "Здравствуйте!", "another first message", chat)
	check(string(messages[1].Sender) == "CUSTOMER", "the buyer's words are lost", chat)
	check(len(messages[2].Payload) == 1 && messages[2].Payload[0].Size == 8, "another file", chat)
}

func (s shop) missUnknownChat() {
	_, answer, err := s.api.ChatsAPI.GetChatHistory(s.ctx, s.standIn.BusinessID).ChatId(999_999_999_999).
		GetChatHistoryRequest(*client.NewGetChatHistoryRequest()).Execute()
	check(err != nil && answer != nil && answer.StatusCode == 404, "an unknown chat is found", 0)
}

// market calls the marketplace's side, of which no client is generated.
func (s shop) market(path string, body map[string]any) {
	text, err := json.Marshal(body)
	must(err)
	url := fmt.Sprintf("%s/market/v1/businesses/%d/%s", s.standIn.URL, s.standIn.BusinessID, path)
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(text))
	must(err)
	request.Header.Set("Authorization", "Bearer "+s.standIn.MarketKey)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	must(err)
	defer answer.Body.Close()
	check(answer.StatusCode == 200, "the marketplace is refused: "+path, int64(answer.StatusCode))
}

func must(err error) {
	if err != nil {
		log.Fatalf("Go: %v", err)
	}
}

func check(holds bool, what string, number int64) {
	if !holds {
		log.Fatalf("Go: %s (%d)", what, number)
	}
}
