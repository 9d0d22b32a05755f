package event_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

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

// logged returns what slog's default logger writes while the test runs.
func logged(t *testing.T) *bytes.Buffer {
	before := slog.Default()
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(os.Stderr) // where slog.SetDefault has left another writer
	})
	out := new(bytes.Buffer)
	slog.SetDefault(slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	return out
}

// debugLogging turns messages for debugging on while the test runs.
func debugLogging(t *testing.T) {
	event.EnableDebugLogging(true)
	t.Cleanup(func() { event.EnableDebugLogging(false) })
}

// The severities and levels of messages.
var severities = []struct {
	sev   evlog.Severity
	level slog.Level
	name  string
}{
	{event.LogDebug, slog.LevelDebug, "DEBUG"},
	{event.LogMsg, slog.LevelInfo, "INFO"},
	{event.LogWarn, slog.LevelWarn, "WARN"},
	{event.LogErr, slog.LevelError, "ERROR"},
}

func TestMessagesGoToTheLogCallbackWithTheirSeverity(t *testing.T) {
	got := messages(t)
	debugLogging(t)
	var want []string
	for _, s := range severities {
		evlog.Logf(s.sev, "of %s", "core")
		event.Logger().Log(t.Context(), s.level, "of a module")
		want = append(want, fmt.Sprintf("%d of core", s.sev), fmt.Sprintf("%d of a module", s.sev))
	}
	if !slices.Equal(*got, want) {
		t.Errorf("logged %q, want %q", *got, want)
	}
}

func TestMessagesGoToSlogWithoutALogCallback(t *testing.T) {
	out := logged(t)
	debugLogging(t)
	for _, s := range severities {
		for _, log := range []func(){
			func() { evlog.Logf(s.sev, "something") },
			func() { event.Logger().Log(t.Context(), s.level, "something") },
		} {
			out.Reset()
			log()
			if text := out.String(); !strings.Contains(text, "level="+s.name+" msg=something") {
				t.Errorf("severity %d was logged as %q, want level %s", s.sev, text, s.name)
			}
		}
	}
}

// Messages for debugging are made only if they are wanted.
func TestDebugMessagesAreOffUnlessEnabled(t *testing.T) {
	for name, set := range map[string]func(t *testing.T) (logged func() int){
		"with a log callback": func(t *testing.T) func() int {
			got := messages(t)
			return func() int { return len(*got) }
		},
		"without": func(t *testing.T) func() int {
			out := logged(t)
			return func() int { return strings.Count(out.String(), "\n") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := set(t)
			log := func() {
				evlog.Logf(evlog.Debug, "of core")
				event.Logger().Debug("of a module")
			}
			for i, on := range []bool{false, true, false} {
				event.EnableDebugLogging(on)
				before := n()
				log()
				want := 0
				if on {
					want = 2
				}
				if got := n() - before; got != want {
					t.Errorf("step %d: %d messages, want %d", i, got, want)
				}
				if enabled := event.Logger().Enabled(t.Context(), slog.LevelDebug); enabled != on {
					t.Errorf("step %d: debug enabled is %v, want %v", i, enabled, on)
				}
			}
		})
	}
}

// What slog's default logger does not want is not even made.
func TestTheLoggerAsksSlogWhatIsWanted(t *testing.T) {
	out := logged(t)
	slog.SetDefault(slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelError})))
	for _, s := range severities {
		want := s.level >= slog.LevelError
		if got := event.Logger().Enabled(t.Context(), s.level); got != want {
			t.Errorf("%v enabled: %v, want %v", s.level, got, want)
		}
	}
}

func TestTheLogCallbackGetsAttributesAsText(t *testing.T) {
	l := event.Logger()
	tests := []struct {
		name string
		log  func()
		want string
	}{
		{"none", func() { l.Info("msg") }, "1 msg"},
		{"some", func() { l.Warn("lost", "fd", 7, "error", io.ErrUnexpectedEOF) }, `2 lost fd=7 error="unexpected EOF"`},
		{"of the logger", func() { l.With("a", 1).With("b", 2).Info("msg", "c", 3) }, "1 msg a=1 b=2 c=3"},
		{"in a group", func() { l.With("a", 1).WithGroup("g").Info("msg", "b", 2) }, "1 msg a=1 g.b=2"},
		{"with names of the record's own", func() { l.Info("msg", "msg", "x", "level", 3, "time", 4) }, "1 msg msg=x level=3 time=4"},
		{"two loggers of one", func() {
			both := l.With("a", 1)
			both.With("b", 2)
			both.With("c", 3).Info("msg")
		}, "1 msg a=1 c=3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := messages(t)
			tt.log()
			if want := []string{tt.want}; !slices.Equal(*got, want) {
				t.Errorf("logged %q, want %q", *got, want)
			}
		})
	}
}

// misuses logs something while the loop runs, while the base is being freed and
// outside of both.
func misuses(t *testing.T, base *event.Base) {
	t.Helper()
	timer := base.NewTimer(func(*event.Event, event.What) { base.Free() }) // refused
	defer timer.Free()
	if err := timer.AddTimeout(0); err != nil {
		t.Fatal(err)
	}
	if _, err := base.Loop(event.LoopOnce); err != nil {
		t.Fatal(err)
	}
	base.Post(func() {})
	base.Free() // with a function that has not run
	event.Logger().Warn("outside")
}

func TestTheLogCallbackMayDoAnything(t *testing.T) {
	tests := []struct {
		name string
		do   func(base *event.Base, msg string)
		want string // is in the log of slog for each message
	}{
		{"log", func(_ *event.Base, msg string) { event.Logger().Error("again: " + msg) }, "again: "},
		{"log with slog", func(_ *event.Base, msg string) { slog.Error("again: " + msg) }, "again: "},
		{"panic", func(_ *event.Base, msg string) { panic("because of " + msg) }, "log callback panicked"},
		{"log and panic", func(*event.Base, string) {
			event.Logger().Error("first")
			panic("then")
		}, "panic=then"},
		{"remove the callback", func(*event.Base, string) { event.SetLogCallback(nil) }, ""},
		{"free the base", func(base *event.Base, _ string) { base.Free() }, ""},
		{"post", func(base *event.Base, _ string) { base.Post(func() {}) }, ""},
		{"run the loop", func(base *event.Base, _ string) { base.Loop(event.LoopNonblock) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base := newBase(t, nil)
			out := logged(t)
			var got []string
			event.SetLogCallback(func(_ event.LogSeverity, msg string) {
				got = append(got, msg)
				tt.do(base, msg)
			})
			defer event.SetLogCallback(nil)
			misuses(t, base)
			if len(got) == 0 {
				t.Error("the callback was not called")
			}
			if tt.want == "" {
				return
			}
			if n := strings.Count(out.String(), tt.want); n != len(got) {
				t.Errorf("%q is %d times in the log of %d messages:\n%s", tt.want, n, len(got), out)
			}
		})
	}
}

// tee passes records to another handler, so that it cannot be known by its type.
type tee struct{ slog.Handler }

// A program may have slog's default logger log with the library's.
func TestSlogMayLogWithTheLoggerOfTheLibrary(t *testing.T) {
	for name, l := range map[string]*slog.Logger{
		"itself":  event.Logger(),
		"wrapped": slog.New(tee{event.Logger().Handler()}),
	} {
		t.Run(name, func(t *testing.T) {
			logged(t) // has the default restored
			slog.SetDefault(l)
			got := messages(t)
			slog.Info("to the callback")
			if want := []string{"1 to the callback"}; !slices.Equal(*got, want) {
				t.Errorf("logged %q, want %q", *got, want)
			}
			event.SetLogCallback(nil)
			stderr := capture(t, &os.Stderr)
			slog.Warn("to standard error")
			event.Logger().Warn("this too")
			text := stderr()
			for _, want := range []string{"to standard error", "this too"} {
				if strings.Count(text, want) != 1 {
					t.Errorf("standard error got %q, want %q once", text, want)
				}
			}
		})
	}
}

// capture returns a function that returns what was written to a file since.
func capture(t *testing.T, file **os.File) (written func() string) {
	t.Helper()
	to, err := os.CreateTemp("", "log") // Wine cannot remove the folder of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	before := *file
	*file = to
	return func() string {
		*file = before
		text, err := os.ReadFile(to.Name())
		to.Close()
		os.Remove(to.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestLogLimiterLogsOneMessageAPause(t *testing.T) {
	start := time.Now()
	type message struct {
		after time.Duration
		want  string // or nothing
	}
	tests := []struct {
		name     string
		limiter  event.LogLimiter
		messages []message
	}{
		{"of the default length", event.LogLimiter{}, []message{
			{0, "2 lost n=0"},
			{0, ""},
			{event.DefaultLogPause - 1, ""},
			{event.DefaultLogPause, "2 lost n=3 skipped=2"},
			{event.DefaultLogPause + 1, ""},
			{3 * event.DefaultLogPause, "2 lost n=5 skipped=1"},
			{4 * event.DefaultLogPause, "2 lost n=6"},
		}},
		{"of its own length", event.LogLimiter{Pause: time.Second}, []message{
			{0, "2 lost n=0"},
			{time.Second - 1, ""},
			{time.Second, "2 lost n=2 skipped=1"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := messages(t)
			for i, m := range tt.messages {
				*got = nil
				tt.limiter.Warn(start.Add(m.after), "lost", "n", i)
				if text := strings.Join(*got, "; "); text != m.want {
					t.Errorf("message %d after %v: logged %q, want %q", i, m.after, text, m.want)
				}
			}
		})
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
	last := messages(t)
	defer func() {
		if r := recover(); r != broken {
			t.Errorf("panicked with %v, want %v", r, broken)
		}
		if want := []string{"3 fatal: broken"}; !slices.Equal(*last, want) {
			t.Errorf("logged %q, want %q", *last, want)
		}
	}()
	evlog.Fatal(broken)
}
