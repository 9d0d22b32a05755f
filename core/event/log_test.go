package event_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/internal/evlog"
)

// messages gets what is logged while the test runs.
func messages(t *testing.T) *[]string {
	var got []string
	event.SetLogCallback(func(sev event.LogSeverity, msg string) { got = append(got, fmt.Sprint(int(sev), " ", msg)) })
	t.Cleanup(func() { event.SetLogCallback(nil) })
	return &got
}

func TestMessagesGoToTheLogCallbackWithTheirSeverity(t *testing.T) {
	got := messages(t)
	evlog.Logf(evlog.Debug, "unwanted")
	event.EnableDebugLogging(true)
	evlog.Logf(evlog.Debug, "d%d", 0)
	event.EnableDebugLogging(false)
	evlog.Logf(evlog.Debug, "unwanted again")
	evlog.Logf(evlog.Msg, "m%d", 1)
	evlog.Logf(evlog.Warn, "w%d", 2)
	evlog.Logf(evlog.Err, "e%d", 3)
	if want := []string{"0 d0", "1 m1", "2 w2", "3 e3"}; !slices.Equal(*got, want) {
		t.Errorf("logged %q, want %q", *got, want)
	}
}

func TestMessagesGoToSlogWithoutALogCallback(t *testing.T) {
	event.SetLogCallback(nil)
	before := slog.Default()
	defer slog.SetDefault(before)
	var out bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	event.EnableDebugLogging(true)
	defer event.EnableDebugLogging(false)
	for sev, level := range map[evlog.Severity]string{
		evlog.Debug: "DEBUG", evlog.Msg: "INFO", evlog.Warn: "WARN", evlog.Err: "ERROR",
	} {
		out.Reset()
		evlog.Logf(sev, "something")
		if text := out.String(); !strings.Contains(text, "level="+level+" msg=something") {
			t.Errorf("severity %d was logged as %q, want level %s", sev, text, level)
		}
	}
}

func TestFatalErrorsGoToTheFatalCallbackOrPanic(t *testing.T) {
	broken := errors.New("broken")
	var got error
	event.SetFatalCallback(func(err error) { got = err })
	evlog.Fatal(broken)
	event.SetFatalCallback(nil)
	if got != broken {
		t.Errorf("the fatal callback got %v, want %v", got, broken)
	}
	logged := messages(t)
	defer func() {
		if r := recover(); r != broken {
			t.Errorf("panicked with %v, want %v", r, broken)
		}
		if want := []string{"3 fatal: broken"}; !slices.Equal(*logged, want) {
			t.Errorf("logged %q, want %q", *logged, want)
		}
	}()
	evlog.Fatal(broken)
}
