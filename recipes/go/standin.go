// Package recipe starts and stops a stand-in, the mock server of the chats API, for tests.
package recipe

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// StandIn is a running stand-in.
type StandIn struct {
	URL        string `json:"url"`
	BusinessID int64  `json:"businessId"`
	APIKey     string `json:"apiKey"`
	MarketKey  string `json:"marketKey"`
	AdminKey   string `json:"adminKey"`

	process *exec.Cmd
	client  *http.Client
}

// Answer is a response of the API.
type Answer struct {
	Code   int             `json:"-"`
	Status string          `json:"status"`
	Result json.RawMessage `json:"result"`
}

// Start starts a stand-in and returns when it is ready.
func Start(options ...string) (*StandIn, error) {
	program := os.Getenv("BESEDA_BIN")
	if program == "" {
		program = "beseda"
	}
	args := append([]string{"stand-in", "--json", "--listen", "127.0.0.1:0"}, options...)
	process := exec.Command(program, args...)
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	// Without a proxy, since the stand-in is on this machine.
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	standIn := &StandIn{process: process, client: client}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, standIn)
	}
	if err != nil {
		_ = process.Process.Kill()
		_ = process.Wait()
		return nil, fmt.Errorf("the stand-in was not ready: %w", err)
	}
	return standIn, nil
}

// Stop stops it with SIGTERM and waits for its end.
func (s *StandIn) Stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.process.Wait()
}

// Shop calls the API as the program under test would: GET without a body, otherwise POST.
func (s *StandIn) Shop(path string, body any) (Answer, error) {
	return s.ShopWith(s.APIKey, path, body)
}

// ShopWith does the same as Shop, with another key.
func (s *StandIn) ShopWith(key, path string, body any) (Answer, error) {
	url := fmt.Sprintf("%s/v2/businesses/%d/%s", s.URL, s.BusinessID, path)
	return s.call(url, "Api-Key", key, body)
}

// Buyer sends a message to a chat as the buyer.
func (s *StandIn) Buyer(chat int64, text string) error {
	url := fmt.Sprintf("%s/market/v1/businesses/%d/chats/%d/messages", s.URL, s.BusinessID, chat)
	body := map[string]string{"sender": "CUSTOMER", "message": text}
	answer, err := s.call(url, "Authorization", "Bearer "+s.MarketKey, body)
	if err == nil && answer.Code != http.StatusOK {
		err = fmt.Errorf("the buyer could not write: %d", answer.Code)
	}
	return err
}

// Admin controls the stand-in: faults, clock, reset.
func (s *StandIn) Admin(path string, body any) (Answer, error) {
	return s.call(s.URL+"/__admin/"+path, "Authorization", "Bearer "+s.AdminKey, body)
}

func (s *StandIn) call(url, header, credential string, body any) (Answer, error) {
	method, content := http.MethodGet, []byte(nil)
	if body != nil {
		method = http.MethodPost
		var err error
		if content, err = json.Marshal(body); err != nil {
			return Answer{}, err
		}
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(content))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set(header, credential)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	answer := Answer{Code: response.StatusCode}
	return answer, json.NewDecoder(response.Body).Decode(&answer)
}
