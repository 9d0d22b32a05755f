package reverseproxy

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// echoWebSocket sends every message back.
func echoWebSocket(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, data, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, data) != nil {
			return
		}
	}
}

func TestWebSocketWithoutProxy(t *testing.T) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			address := s.run(t, http.HandlerFunc(echoWebSocket))
			c, _, err := websocket.DefaultDialer.Dial(strings.Replace(address, "http", "ws", 1), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
				t.Fatal(err)
			}
			if _, data, err := c.ReadMessage(); err != nil || string(data) != "hello" {
				t.Errorf("%q, error %v", data, err)
			}
		})
	}
}
