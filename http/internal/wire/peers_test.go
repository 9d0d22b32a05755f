package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/http/internal/message"
)

// skipOtherGo skips a test of what the tables say of the standard library if
// that is not the one they are about.
func skipOtherGo(t *testing.T) {
	if v := runtime.Version(); !strings.HasPrefix(v, "go1.26") {
		t.Skipf("the tables are about Go 1.26, this is %s", v)
	}
}

// comparePeer checks what a table says of somebody else, whose outcomes are
// given in the order of the rows, or writes it into the table.
func comparePeer(t *testing.T, file, peer string, same func(m *row, theirs string) bool, outcomes []string) {
	t.Helper()
	intro, table := loadTable(t, file)
	differ := 0
	for i, m := range table {
		theirs := outcomes[i]
		if same(m, theirs) {
			theirs = ""
		} else {
			differ++
		}
		if *update {
			m.others[peer] = theirs
			continue
		}
		if noted := m.others[peer]; noted != theirs {
			t.Errorf("%s: %s: %s has done\n%q\nbut the table says\n%q", file, m.name, peer, outcomes[i], noted)
		}
	}
	if *update {
		saveTable(t, file, intro, table)
	}
	t.Logf("%s: %s differs in %d of %d", file, peer, differ, len(table))
}

var aside = regexp.MustCompile(` trailer="([^"\\]|\\.)*"| tunnel`)

// split takes an outcome apart: the messages, and how the stream ended.
func split(outcome string) (messages []string, end string) {
	messages = strings.Split(aside.ReplaceAllString(outcome, ""), " + ")
	last := messages[len(messages)-1]
	switch {
	case last == "":
		return nil, ""
	case last == "more", last == "nothing":
		end = last
	case refused.MatchString(last):
		end = "refused"
	default:
		return messages, ""
	}
	return messages[:len(messages)-1], end
}

var refused = regexp.MustCompile(`^([45]\d\d|error|closed)\b`)

// sameRequests reports whether a server has come to the same outcome: has
// understood the same requests and refused the rest, or not. What it does about
// a request that is not complete does not matter.
func sameRequests(m *row, theirs string) bool {
	ourMessages, ourEnd := split(m.want)
	theirMessages, theirEnd := split(theirs)
	return slices.Equal(ourMessages, theirMessages) && (ourEnd == theirEnd || ourEnd == "more")
}

// TestPeersNetHTTPServer sends the requests to a server of net/http.
func TestPeersNetHTTPServer(t *testing.T) {
	skipOtherGo(t)
	_, table := loadTable(t, requestsFile)
	s := newGoServer(t)
	outcomes := make([]string, len(table))
	for i, m := range table {
		outcomes[i] = s.ask(t, m.raw)
	}
	comparePeer(t, requestsFile, peerGo, sameRequests, outcomes)
}

// A goServer is a server of net/http that notes which requests it has got.
type goServer struct {
	address string
	got     []string // while ask waits for the connection to end
}

func newGoServer(t *testing.T) *goServer {
	s := new(goServer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	server := &http.Server{
		Handler:                      s,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is for s, too
		MaxHeaderBytes:               message.DefaultMaxHeader,
		ErrorLog:                     log.New(io.Discard, "", 0),
	}
	served := make(chan error)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	return s
}

func (s *goServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.got = append(s.got, requestText(r.Method, r.RequestURI, r.Proto, r.Host, body))
}

// ask sends a stream of requests and nothing after it.
func (s *goServer) ask(t *testing.T, raw []byte) string {
	t.Helper()
	s.got = nil
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		conn.Write(raw) // fails if the server closes early
		conn.(*net.TCPConn).CloseWrite()
	}()
	answer, err := io.ReadAll(conn)
	<-sent
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return serverOutcome(s.got, answer, false)
}

var statusLine = regexp.MustCompile(`HTTP/1\.[01] (\d\d\d)`)

// serverOutcome says what a server has made of a stream: the requests it got,
// and the error if its last answer was one.
func serverOutcome(got []string, answer []byte, closed bool) string {
	out := slices.Clone(got)
	answers := statusLine.FindAllSubmatch(answer, -1)
	if len(answers) > 0 {
		if last := answers[len(answers)-1][1]; last[0] >= '4' {
			out = append(out, string(last))
		}
	} else if closed {
		out = append(out, "closed")
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, " + ")
}

// TestPeersNetHTTPReadRequest checks that http.ReadRequest alone reads what is
// accepted here as it is read here, unless the table says otherwise.
func TestPeersNetHTTPReadRequest(t *testing.T) {
	skipOtherGo(t)
	_, table := loadTable(t, requestsFile)
	for _, m := range table {
		ours, end := split(m.want)
		if len(ours) == 0 || end != "" || m.others[peerGo] != "" {
			continue
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(m.raw)))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		body, err := io.ReadAll(r.Body)
		if got := requestText(r.Method, r.RequestURI, r.Proto, r.Host, body); got != ours[0] || err != nil {
			t.Errorf("%s:\n got %s, %v\nwant %s", m.name, got, err, ours[0])
		}
	}
}

// TestPeersNetHTTPClient has net/http read the responses.
func TestPeersNetHTTPClient(t *testing.T) {
	skipOtherGo(t)
	_, table := loadTable(t, responsesFile)
	outcomes := make([]string, len(table))
	for i, m := range table {
		outcomes[i] = readResponses(m)
	}
	comparePeer(t, responsesFile, peerGo, sameRequests, outcomes)
}

func readResponses(m *row) string {
	var out []string
	request := &http.Request{Method: m.method}
	stream := bufio.NewReader(bytes.NewReader(m.raw))
	for {
		if _, err := stream.Peek(1); err == io.EOF {
			break
		}
		r, err := http.ReadResponse(stream, request)
		var body []byte
		if err == nil && r.StatusCode != http.StatusSwitchingProtocols && m.method != "CONNECT" {
			body, err = io.ReadAll(r.Body)
		}
		if err == io.ErrUnexpectedEOF {
			out = append(out, "more")
			break
		}
		if err != nil {
			out = append(out, "error")
			break
		}
		_, reason, _ := strings.Cut(r.Status, " ")
		out = append(out, responseText(r.Proto, r.StatusCode, reason, body))
		if r.Close || m.method == "CONNECT" || r.StatusCode == http.StatusSwitchingProtocols {
			break
		}
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, " + ")
}
