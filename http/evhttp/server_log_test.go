package evhttp

import (
	"bytes"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

func TestConnectionsLostByFailuresOfThisSideAreLogged(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	var out bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	base, err := event.NewBase()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Free()
	call := func(e syscall.Errno) error { return os.NewSyscallError("send", e) }
	tests := []struct {
		name string
		err  error
		want string // in the log; empty if nothing is to be logged
	}{
		{"the client has closed", call(syscall.ECONNRESET), ""},
		{"the stream ends early", io.ErrUnexpectedEOF, ""},
		{"nothing moved for too long", os.ErrDeadlineExceeded, ""},
		{"no buffers", call(syscall.ENOMEM), syscall.ENOMEM.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out.Reset()
			s := &Server{base: base}
			s.logLoss(netip.AddrPort{}, tt.err)
			if got := out.String(); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("logged %q, want %q in it", got, tt.want)
			}
		})
	}
	t.Run("many at once are one message", func(t *testing.T) {
		out.Reset()
		s := &Server{base: base}
		for range 100 {
			s.logLoss(netip.AddrPort{}, call(syscall.ENOMEM))
		}
		if n := strings.Count(out.String(), "\n"); n != 1 {
			t.Errorf("%d messages, want one: %s", n, &out)
		}
	})
}
