package event_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/core/evthread"
)

// What follows is about choosing a backend, and so not for each of them.

func TestDefaultIsTheFirstMethod(t *testing.T) {
	evtest.Leaks(t)
	methods := event.SupportedMethods()
	same(t, "method", newBase(t, &event.Config{Flags: event.IgnoreEnv}).Method(), methods[0])
	methods[0] = "changed" // is the caller's own list
	same(t, "method", newBase(t, &event.Config{Flags: event.IgnoreEnv}).Method(), event.SupportedMethods()[0])
}

func TestAvoidMethods(t *testing.T) {
	evtest.Leaks(t)
	methods := event.SupportedMethods()
	for i, m := range methods {
		cfg := &event.Config{AvoidMethods: append([]string{"no such method", ""}, methods[:i]...), Flags: event.IgnoreEnv}
		b := newBase(t, cfg)
		same(t, "method", b.Method(), m)
		cfg.AvoidMethods[0] = m // comes too late
		ok(t, b.Reinit())
		same(t, "method", b.Method(), m)
	}
	_, err := event.NewBaseWithConfig(&event.Config{AvoidMethods: methods, Flags: event.IgnoreEnv})
	wantError(t, "avoiding all methods", err, event.ErrNoMethod, "new base")
}

func TestRequireFeatures(t *testing.T) {
	evtest.Leaks(t)
	const all = event.FeatureET | event.FeatureO1 | event.FeatureFDs | event.FeatureEarlyClose
	has := make(map[string]event.Feature)
	for _, on := range backends() {
		has[on.method] = on.base(t).Features()
	}
	for need := event.Feature(0); need <= all; need++ {
		want := ""
		for _, m := range event.SupportedMethods() {
			if want == "" && has[m]&need == need {
				want = m
			}
		}
		b, err := event.NewBaseWithConfig(&event.Config{RequireFeatures: need, Flags: event.IgnoreEnv})
		if want == "" {
			wantError(t, fmt.Sprintf("requiring %b", need), err, event.ErrNoMethod)
			continue
		}
		ok(t, err)
		same(t, fmt.Sprintf("method for %b", need), b.Method(), want)
		b.Free()
	}
}

func TestEnvironmentDisablesMethods(t *testing.T) {
	evtest.Leaks(t)
	methods := event.SupportedMethods()
	for i, m := range methods {
		same(t, "method", newBase(t, nil).Method(), m)
		t.Setenv("EVENT_NO"+strings.ToUpper(m), "")
		same(t, "method with IgnoreEnv", newBase(t, &event.Config{Flags: event.IgnoreEnv}).Method(), methods[0])
		if i == len(methods)-1 {
			_, err := event.NewBase()
			wantError(t, "all methods disabled", err, event.ErrNoMethod)
		}
	}
	same(t, "methods listed", len(event.SupportedMethods()), len(methods))
}

func TestEnvironmentSetsFlags(t *testing.T) {
	if event.SupportedMethods()[0] != "epoll" {
		t.Skip("only epoll shows its flags")
	}
	evtest.Leaks(t)
	t.Setenv("EVENT_EPOLL_USE_CHANGELIST", "1")
	t.Setenv("EVENT_PRECISE_TIMER", "1")
	same(t, "method with IgnoreEnv", newBase(t, &event.Config{Flags: event.IgnoreEnv}).Method(), "epoll")
	same(t, "timers without", openTimers(t), 0)
	same(t, "method", newBase(t, nil).Method(), "epoll (with changelist)")
	same(t, "timers", openTimers(t), 1)
}

// openTimers counts the descriptors of the process that are timers of Linux.
func openTimers(t testing.TB) (n int) {
	t.Helper()
	const fds = "/proc/self/fd/"
	entries, err := os.ReadDir(fds)
	ok(t, err)
	for _, e := range entries {
		if to, _ := os.Readlink(fds + e.Name()); to == "anon_inode:[timerfd]" {
			n++
		}
	}
	return n
}

// captureLog collects the library's log messages until the end of the test.
func captureLog(t testing.TB) *[]string {
	var messages []string
	event.SetLogCallback(func(sev event.LogSeverity, msg string) {
		messages = append(messages, fmt.Sprint(int(sev), " ", msg))
	})
	t.Cleanup(func() { event.SetLogCallback(nil) })
	return &messages
}

func TestShowMethod(t *testing.T) {
	evtest.Leaks(t)
	log := captureLog(t)
	t.Setenv("EVENT_SHOW_METHOD", "1")
	newBase(t, &event.Config{Flags: event.IgnoreEnv})
	same(t, "messages with IgnoreEnv", len(*log), 0)
	b := newBase(t, nil)
	same(t, "messages", len(*log), 1)
	same(t, "message", (*log)[0], fmt.Sprint(int(event.LogMsg), " libevent using: ", b.Method()))
}

func TestLockThatCannotBeMade(t *testing.T) {
	evtest.Leaks(t)
	none := errors.New("out of locks")
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc:          func(evthread.LockType) (evthread.Lock, error) { return nil, none },
	}))
	t.Cleanup(disableLocks)
	_, err := event.NewBase()
	wantError(t, "new base", err, none, "new base")
	newBase(t, &event.Config{Flags: event.NoLock}) // needs none
}

func TestLocksAreGivenBack(t *testing.T) {
	evtest.Leaks(t)
	locks, conds := 0, 0
	ok(t, evthread.SetLockCallbacks(&evthread.LockCallbacks{
		APIVersion:     evthread.LockAPIVersion,
		SupportedTypes: evthread.Recursive,
		Alloc: func(evthread.LockType) (evthread.Lock, error) {
			locks++
			return newLock(), nil
		},
		Free: func(evthread.Lock, evthread.LockType) { locks-- },
	}))
	ok(t, evthread.SetConditionCallbacks(&evthread.ConditionCallbacks{
		APIVersion: evthread.ConditionAPIVersion,
		Alloc: func(uint) (evthread.Cond, error) {
			conds++
			return new(condition), nil
		},
		Free: func(evthread.Cond) { conds-- },
	}))
	t.Cleanup(disableLocks)
	b := newBase(t, nil)
	if locks == 0 || conds == 0 {
		t.Errorf("a base has %d locks and %d conditions", locks, conds)
	}
	b.Free()
	if _, err := event.NewBaseWithConfig(&event.Config{AvoidMethods: event.SupportedMethods()}); err == nil {
		t.Error("a base without a method")
	}
	same(t, "locks", locks, 0)
	same(t, "conditions", conds, 0)
}

func TestVersion(t *testing.T) {
	same(t, "version", event.Version(), event.VersionName)
	same(t, "version number", event.VersionNumber(), event.VersionCode)
	if !strings.HasPrefix(event.Version(), "2.2") || event.VersionNumber()>>16 != 0x0202 {
		t.Errorf("version %s, %#x", event.Version(), event.VersionNumber())
	}
}
