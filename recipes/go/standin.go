// Package recipe starts a stand-in and ends it. It tests nothing itself.
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

// Answer is what every call of the API gives.
type Answer struct {
	Code   int             `json:"-"`
	Status string          `json:"status"`
	Result json.RawMessage `json:"result"`
}

// Start starts one; it is ready when this returns.
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
	// Loopback is asked directly, whatever proxy the machine has.
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

// Stop asks it to end and waits until it has.
func (s *StandIn) Stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.process.Wait()
}

// Shop makes a call as the program under test would; without a body it is a GET.
func (s *StandIn) Shop(path string, body any) (Answer, error) {
	return s.ShopWith(s.APIKey, path, body)
}

// ShopWith is Shop with another key.
func (s *StandIn) ShopWith(key, path string, body any) (Answer, error) {
	url := fmt.Sprintf("%s/v2/businesses/%d/%s", s.URL, s.BusinessID, path)
	return s.call(url, "Api-Key", key, body)
}

// Buyer writes into a chat as the buyer.
func (s *StandIn) Buyer(chat int64, text string) error {
	url := fmt.Sprintf("%s/market/v1/businesses/%d/chats/%d/messages", s.URL, s.BusinessID, chat)
	body := map[string]string{"sender": "CUSTOMER", "message": text}
	answer, err := s.call(url, "Authorization", "Bearer "+s.MarketKey, body)
	if err == nil && answer.Code != http.StatusOK {
		err = fmt.Errorf("the buyer could not write: %d", answer.Code)
	}
	return err
}

// Admin tells the stand-in how to behave: faults, clock, reset.
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
