package recipe

// Example tests of a shop's program: copy them and replace the calls of Shop with your own program.

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

var standIn *StandIn

func TestMain(m *testing.M) {
	var err error
	if standIn, err = Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := standIn.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

type chat struct {
	ChatID int64  `json:"chatId"`
	Status string `json:"status"`
}

func shop(t *testing.T, path string, body, result any) {
	t.Helper()
	answer, err := standIn.Shop(path, body)
	if err != nil || answer.Code != 200 {
		t.Fatalf("%s: %d %v", path, answer.Code, err)
	}
	if result != nil {
		if err := json.Unmarshal(answer.Result, result); err != nil {
			t.Fatal(err)
		}
	}
}

// waiting returns the first chat that waits for the shop.
func waiting(t *testing.T) int64 {
	t.Helper()
	var found struct{ Chats []chat }
	filter := map[string][]string{"statuses": {"WAITING_FOR_PARTNER"}, "types": {"CHAT"}}
	shop(t, "chats", filter, &found)
	return found.Chats[0].ChatID
}

func TestAnAnsweredChatWaitsForTheBuyer(t *testing.T) {
	id := waiting(t)
	shop(t, fmt.Sprintf("chats/message?chatId=%d", id), map[string]string{"message": "Отправим сегодня."}, nil)
	var now chat
	shop(t, fmt.Sprintf("chat?chatId=%d", id), nil, &now)
	if now.Status != "WAITING_FOR_CUSTOMER" {
		t.Fatal(now.Status)
	}
}

func TestTheBuyerWritesBack(t *testing.T) {
	id := waiting(t)
	shop(t, fmt.Sprintf("chats/message?chatId=%d", id), map[string]string{"message": "Уже в пути."}, nil)
	if err := standIn.Buyer(id, "Спасибо, жду!"); err != nil {
		t.Fatal(err)
	}
	var history struct {
		Messages []struct{ Sender, Message string }
	}
	shop(t, fmt.Sprintf("chats/history?chatId=%d", id), struct{}{}, &history)
	last := history.Messages[len(history.Messages)-1]
	if last.Sender != "CUSTOMER" || last.Message != "Спасибо, жду!" {
		t.Fatal(last)
	}
}

func TestAWrongKeyIsRefused(t *testing.T) {
	answer, err := standIn.ShopWith("ACMA:wrong", "chats", struct{}{})
	if err != nil || answer.Code != 401 || answer.Status != "ERROR" {
		t.Fatal(answer, err)
	}
}

func TestTheAPIBreaksOnceWhenTold(t *testing.T) {
	fault := map[string]any{"operation": "getChats", "kind": "status", "status": 500, "count": 1}
	if _, err := standIn.Admin("faults", fault); err != nil {
		t.Fatal(err)
	}
	for _, expected := range []int{500, 200} {
		if answer, err := standIn.Shop("chats", struct{}{}); err != nil || answer.Code != expected {
			t.Fatal(answer.Code, err)
		}
	}
}
