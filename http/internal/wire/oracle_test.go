package wire

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// libeventVersion is the one whose outcomes are in the tables.
const libeventVersion = "2.1.12-stable"

// buildOracle compiles the program that asks C libevent.
func buildOracle(t *testing.T) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	oracle := filepath.Join(tempDir(t), "oracle")
	out, err := exec.Command(cc, "-O1", "-o", oracle, "testdata/oracle.c", "-levent").CombinedOutput()
	if err == nil {
		out, err = exec.Command(oracle, "version").CombinedOutput()
	}
	if version := strings.TrimSpace(string(out)); err == nil && version != libeventVersion {
		err = fmt.Errorf("the tables are about libevent %s, this is %s", libeventVersion, version)
	}
	if err == nil {
		return oracle
	}
	if os.Getenv("LIBEVENT_TEST_PEERS") == "require" {
		t.Fatalf("cannot build the oracle: %v\n%s", err, out)
	}
	t.Skipf("needs a C compiler and libevent: %v", err)
	return ""
}

// askOracle runs the oracle, which answers every line by one.
func askOracle(t *testing.T, lines []string, oracle string, args ...string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, oracle, args...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(answers) != len(lines) {
		t.Fatalf("%d answers to %d lines", len(answers), len(lines))
	}
	return answers
}

// TestPeersLibeventServer sends the requests to a server of C libevent.
func TestPeersLibeventServer(t *testing.T) {
	oracle := buildOracle(t)
	_, table := loadTable(t, requestsFile)
	lines := make([]string, len(table))
	for i, m := range table {
		lines[i] = hex.EncodeToString(m.raw)
	}
	outcomes := askOracle(t, lines, oracle, "requests", filepath.Join(tempDir(t), "socket"))
	for i, answer := range outcomes {
		outcomes[i] = oracleServerOutcome(t, strings.Fields(answer))
	}
	comparePeer(t, requestsFile, peerC, sameRequests, outcomes)
}

func oracleServerOutcome(t *testing.T, words []string) string {
	var got []string
	for len(words) > 5 && words[0] == "q" {
		method, target, version, host, body := words[1], words[2], words[3], words[4], words[5]
		got = append(got, requestText(unhex(t, method), unhex(t, target), "HTTP/"+unhex(t, version),
			unhex(t, host), []byte(unhex(t, body))))
		words = words[6:]
	}
	if len(words) < 2 || words[0] != "r" {
		t.Fatalf("the oracle says %q", words)
	}
	return serverOutcome(got, []byte(unhex(t, words[1])), len(words) > 2)
}

// TestPeersLibeventClient has a client of C libevent read the responses.
func TestPeersLibeventClient(t *testing.T) {
	oracle := buildOracle(t)
	_, table := loadTable(t, responsesFile)
	lines := make([]string, len(table))
	for i, m := range table {
		lines[i] = m.method + " " + hex.EncodeToString(m.raw)
	}
	outcomes := askOracle(t, lines, oracle, "responses")
	for i, answer := range outcomes {
		words := strings.Fields(answer)
		if len(words) != 5 || words[0] != "ok" {
			outcomes[i] = "error"
			continue
		}
		var status int
		if _, err := fmt.Sscan(words[2], &status); err != nil {
			t.Fatal(answer)
		}
		outcomes[i] = responseText("HTTP/"+unhex(t, words[1]), status, unhex(t, words[3]), []byte(unhex(t, words[4])))
	}
	comparePeer(t, responsesFile, peerC, sameFirstResponse, outcomes)
}

// sameFirstResponse reports whether a client has come to the same outcome as
// far as the first final response is concerned.
func sameFirstResponse(m *row, theirs string) bool {
	messages, _ := split(m.want)
	for len(messages) > 0 && strings.HasPrefix(messages[0][len("HTTP/1.1 "):], "1") && !strings.Contains(messages[0], " 101 ") {
		messages = messages[1:]
	}
	if len(messages) == 0 {
		return theirs == "error"
	}
	return theirs == messages[0]
}

func unhex(t *testing.T, word string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(word, "."))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tempDir makes a folder that is removed after the test. Wine's files cannot be
// removed in the way that t.TempDir does it, which is no error here.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "wire")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
