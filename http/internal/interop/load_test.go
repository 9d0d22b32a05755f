//go:build unix

package interop

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// number returns the number that a program says after a text.
func number(t testing.TB, output, after string) int {
	t.Helper()
	m := regexp.MustCompile(regexp.QuoteMeta(after) + `\s*(\d+)`).FindStringSubmatch(output)
	if m == nil {
		t.Fatalf("there is no %q in\n%s", after, output)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestABLosesNothing has ab send requests of HTTP/1.0, over connections that are
// kept or are not.
func TestABLosesNothing(t *testing.T) {
	ab, s := program(t, "ab"), serve(t)
	body := temp(t, noise(50_000))
	for _, tt := range []struct {
		name string
		n    int
		kept bool
		args []string
		path string
	}{
		{"keep-alive", 5000, true, []string{"-k", "-c", "20"}, "/hello"},
		{"connection each", 1000, false, []string{"-c", "20"}, "/hello"},
		{"keep-alive, later", 2000, true, []string{"-k", "-c", "20"}, "/later"},
		{"keep-alive, file", 500, true, []string{"-k", "-c", "10"}, "/files/page.txt"},
		{"keep-alive, HEAD", 1000, true, []string{"-k", "-i", "-c", "5"}, "/hello"},
		{"POST", 500, true, []string{"-k", "-c", "5", "-p", body, "-T", "application/octet-stream"}, "/echo"},
		{"connection each, chunks", 200, false, []string{"-c", "5"}, "/chunks/20"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append(tt.args, "-q", "-s", "15", "-n", strconv.Itoa(tt.n), "http://"+s.addr.String()+tt.path)
			out := start(t, nil, ab, args...).ends()
			if n := number(t, out, "Complete requests:"); n != tt.n {
				t.Errorf("%d of %d requests are complete", n, tt.n)
			}
			if n := number(t, out, "Failed requests:"); n != 0 || strings.Contains(out, "Non-2xx") {
				t.Errorf("%d requests have failed\n%s", n, out)
			}
			if tt.kept {
				if n := number(t, out, "Keep-Alive requests:"); n != tt.n {
					t.Errorf("%d of %d requests have left their connection open", n, tt.n)
				}
			}
		})
	}
}

// TestWrkGetsGoodAnswersOnly has wrk send as much as it can for a moment.
func TestWrkGetsGoodAnswersOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	wrk, s := program(t, "wrk"), serve(t)
	pipeline, err := filepath.Abs("testdata/pipeline.lua")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		path string
	}{
		{"hello", nil, "/hello"},
		{"later", nil, "/later"},
		{"pipelined", []string{"-s", pipeline}, "/hello"},
		{"pipelined, later", []string{"-s", pipeline}, "/later"},
		{"chunks", nil, "/chunks/3"},
		{"long file", nil, "/files/long.bin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"-t", "1", "-c", "20", "-d", "1s", "--timeout", "10s"}, tt.args...)
			out := start(t, nil, wrk, append(args, "http://"+s.addr.String()+tt.path)...).ends()
			m := regexp.MustCompile(`(\d+) requests in`).FindStringSubmatch(out)
			if m == nil || m[1] == "0" || strings.Contains(out, "Non-2xx") || strings.Contains(out, "Socket errors") {
				t.Errorf("wrk says\n%s", out)
			}
		})
	}
}
