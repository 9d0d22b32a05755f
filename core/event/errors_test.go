package event_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// Each error reads "event: operation object: cause", and is the sentinel that its
// cause is.
func TestErrorTexts(t *testing.T) {
	base := evtest.Base(t)
	nothing := func(*event.Event, event.What) {}
	pending := base.NewTimer(nothing)
	if err := pending.AddTimeout(time.Hour); err != nil {
		t.Fatal(err)
	}
	defer pending.Free()
	freed := evtest.Base(t)
	freed.Free()

	tests := []struct {
		name string
		err  error
		text string
		is   error
	}{
		{
			"a loop without a base", (*event.Base)(nil).Dispatch(),
			"event: loop: nil argument", event.ErrNil,
		},
		{
			"an event that was not assigned", new(event.Event).Add(),
			"event: add: event is not assigned to a base", event.ErrNotAssigned,
		},
		{
			"flags that contradict each other", new(event.Event).Assign(base, 1, event.Signal|event.Read, nothing),
			"event: assign Read|Signal: bad combination of event flags", event.ErrBadWhat,
		},
		{
			"a signal that does not exist", new(event.Event).AssignSignal(base, 0, nothing),
			"event: assign: signal 0: invalid argument", syscall.EINVAL,
		},
		{
			"a priority that does not exist", base.NewTimer(nothing).SetPriority(1),
			"event: set priority 1 of 1: priority out of range", event.ErrBadPriority,
		},
		{
			"a number of priorities", base.SetPriorities(0),
			"event: set priorities 0: priority out of range", event.ErrBadPriority,
		},
		{
			"a base that was freed", freed.Post(func() {}),
			"event: post: base was freed", event.ErrFreed,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil || !errors.Is(tt.err, tt.is) || tt.err.Error() != tt.text {
				t.Errorf("%v, want %q, which is %v", tt.err, tt.text, tt.is)
			}
		})
	}
}

// A descriptor that the system refuses is named once, by the call that it failed in.
func TestErrorNamesTheDescriptorOnce(t *testing.T) {
	base := evtest.Base(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	fd := int(r.Fd())
	r.Close()
	ev, err := base.NewEvent(fd, event.Read, func(*event.Event, event.What) {})
	if err != nil {
		t.Fatal(err)
	}
	defer ev.Free()
	err = ev.Add()
	if err == nil {
		t.Skipf("%s does not look at descriptors", base.Method())
	}
	want := []string{"event: ", " fd "}
	for _, part := range want {
		if n := strings.Count(err.Error(), part); n != 1 {
			t.Errorf("%q has %q %d times, want 1", err, part, n)
		}
	}
}
