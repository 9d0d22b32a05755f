package evbuffer_test

import (
	"testing"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/evtest"
)

func TestDeferredCallbacksComeFromTheLoop(t *testing.T) {
	base := evtest.Base(t)
	b := bufferOf(t, "abc")
	var log []string
	record(b, &log, "1 ")
	record(b, &log, "2 ")
	ok(t, b.DeferCallbacks(base))
	ok(t, b.AddString("de"))
	ok(t, b.Drain(1))
	ok(t, b.Prepend([]byte("x")))
	wantLog(t, &log)
	evtest.Turn(t, base)
	wantLog(t, &log, "2 3+3-1", "1 3+3-1")
	evtest.Turn(t, base)
	wantLog(t, &log)
	ok(t, b.Drain(5))
	evtest.Turn(t, base)
	wantLog(t, &log, "2 5+0-5", "1 5+0-5")
}

func TestCallbacksThatDoNotWaitSeeAllChanges(t *testing.T) {
	base := evtest.Base(t)
	var b evbuffer.Buffer
	var log []string
	record(&b, &log, "waits ")
	now := record(&b, &log, "now ")
	ok(t, now.SetFlags(evbuffer.CallbackNoDefer))
	ok(t, b.DeferCallbacks(base))
	ok(t, b.AddString("abc"))
	ok(t, b.Drain(1))
	wantLog(t, &log, "now 0+3-0", "now 0+3-1")
	evtest.Turn(t, base)
	wantLog(t, &log, "waits 0+3-1")
	ok(t, now.ClearFlags(evbuffer.CallbackNoDefer))
	ok(t, b.Drain(2))
	wantLog(t, &log)
	evtest.Turn(t, base)
	wantLog(t, &log, "now 2+0-2", "waits 2+0-2")
}

func TestDeferredCallbacksMayChangeTheBuffer(t *testing.T) {
	base := evtest.Base(t)
	var b evbuffer.Buffer
	calls := 0
	b.AddCallback(func(e *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		calls++
		if calls < 5 {
			ok(t, b.AddString("x"))
		}
	})
	ok(t, b.DeferCallbacks(base))
	ok(t, b.AddString("x"))
	for range 5 {
		evtest.Turn(t, base)
	}
	want(t, "calls", calls, 5)
	want(t, "length", b.Len(), 5)
}

func TestNothingRunsAfterFree(t *testing.T) {
	base := evtest.Base(t)
	var b evbuffer.Buffer
	b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { t.Error("called") })
	ok(t, b.DeferCallbacks(base))
	ok(t, b.AddString("x"))
	b.Free()
	evtest.Turn(t, base)
	want(t, "plain", evbuffer.IsPlain(&b), true)
}

func TestADeferredCallbackMayFreeItsBuffer(t *testing.T) {
	base := evtest.Base(t)
	var b evbuffer.Buffer
	calls := 0
	b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { t.Error("the other one was called") })
	b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { calls++; b.Free() })
	ok(t, b.DeferCallbacks(base))
	ok(t, b.AddString("x"))
	evtest.Turn(t, base)
	evtest.Turn(t, base)
	want(t, "calls", calls, 1)
	wantContent(t, &b, "")
}

func TestANoDeferCallbackMayFreeItsBuffer(t *testing.T) {
	base := evtest.Base(t)
	var b evbuffer.Buffer
	b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { t.Error("called") })
	e := b.AddCallback(func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) { b.Free() })
	ok(t, e.SetFlags(evbuffer.CallbackNoDefer))
	ok(t, b.DeferCallbacks(base))
	ok(t, b.AddString("x"))
	evtest.Turn(t, base)
	wantContent(t, &b, "")
}

func TestChangesWithoutCallbacksAreForgotten(t *testing.T) {
	base := evtest.Base(t)
	var b evbuffer.Buffer
	var log []string
	ok(t, b.DeferCallbacks(base))
	ok(t, b.AddString("abc"))
	e := record(&b, &log, "")
	ok(t, b.AddString("d"))
	evtest.Turn(t, base)
	wantLog(t, &log, "3+1-0")
	ok(t, b.AddString("e"))
	ok(t, b.RemoveCallback(e))
	ok(t, b.AddString("f"))
	record(&b, &log, "")
	ok(t, b.AddString("g"))
	evtest.Turn(t, base)
	wantLog(t, &log, "6+1-0")
}

func TestCallbacksCanMoveToAnotherBase(t *testing.T) {
	before, after := evtest.Base(t), evtest.Base(t)
	var b evbuffer.Buffer
	var log []string
	record(&b, &log, "")
	ok(t, b.DeferCallbacks(before))
	ok(t, b.AddString("abc"))
	ok(t, b.DeferCallbacks(after))
	evtest.Turn(t, before)
	wantLog(t, &log)
	evtest.Turn(t, after)
	wantLog(t, &log, "0+3-0")
}
