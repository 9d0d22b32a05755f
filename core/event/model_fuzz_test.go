package event_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-libevent/libevent/core/event"
)

// FuzzBase runs scripts on a base and on a model of it, see modelRun.
func FuzzBase(f *testing.F) {
	for _, script := range scripts() {
		for stage := range stages() {
			f.Add(append([]byte{byte(stage)}, script...))
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		f.Add(randomScript(r))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		p := newModelRun(t, script)
		for len(p.script) > 0 {
			p.step()
		}
		p.end()
	})
}

// scripts are plays with a plot, without the first byte, which chooses the
// backend. The next two choose the number of priorities and the limits.
func scripts() [][]byte {
	const (
		one      = 0 // priority
		three    = 2 // priorities
		limitOf1 = 1

		nowhere = numConns // instead of the conn of a descriptor

		timer       = 0 // what an event waits for
		read        = 1
		readClosed  = 5
		ticker      = 6
		keepReading = 7

		zero = 0 // timeouts
		tick = 2
		day  = 3

		forTimeout = 1 // what an event is told by Activate

		untilEmpty = 0 // how the loop runs
		once       = byte(event.LoopOnce)
		now        = byte(event.LoopOnce | event.LoopNonblock)
	)
	return [][]byte{
		// A base is made and freed.
		{},
		// A persistent reader is called until it has read everything.
		{one, 0, opAssign, 0, 0, keepReading, opAdd, 0, opSend, 0, opLoop, now,
			0, opLoop, now, 1, opReceive, 0, opLoop, now},
		// Of two readers of a descriptor, one deletes both.
		{one, 0, opAssign, 0, 1, read, opAssign, 1, 1, read, opAdd, 0, opAdd, 1,
			opSend, 1, opLoop, once, 2, opDel, 0, 0, opDel, 1, 0},
		// The less urgent of two events activates a third, more urgent one.
		{three, 0, opAssign, 0, nowhere, timer, opAssign, 1, nowhere, timer, opAssign, 2, nowhere, timer,
			opSetPriority, 0, 0, opActivate, 1, forTimeout, opActivate, 2, forTimeout,
			opLoop, untilEmpty, 1, opActivate, 0, forTimeout},
		// A ticker runs until its timer is removed.
		{one, 0, opAssign, 0, nowhere, ticker, opAddTimeout, 0, tick, opLoop, once, 0,
			opLoop, once, 1, opRemoveTimer, 0, opLoop, now},
		// A descriptor's number is used again, also by its own callback.
		{one, 0, opAssign, 0, 0, keepReading, opAdd, 0, opReopen, 0, opAdd, 0, opSend, 0,
			opLoop, now, 3, opReopen, 0, opAdd, 0, opSend, 0, opLoop, now},
		// An event is finalized in its own callback.
		{one, 0, opAssign, 0, nowhere, timer, opActivate, 0, forTimeout,
			opLoop, untilEmpty, 1, opFinalize, 0},
		// A deferred callback schedules itself for ever.
		{one, 0, opSchedule, 0, opLoop, untilEmpty, 1, opSchedule, 0, 1, opSchedule, 0, 1, opSchedule, 0},
		// The peer has nothing more to say.
		{one, 0, opAssign, 0, 0, readClosed, opAddTimeout, 0, day, opShutdown, 0, opLoop, once},
		// One post a pass, and one of them breaks the loop.
		{one, limitOf1, opPost, opPost, opPost, opLoop, untilEmpty, 0, 1, opLoopBreak, opLoop, untilEmpty},
		// A common timeout passes, another one is replaced.
		{one, 0, opAssign, 0, nowhere, timer, opAssign, 1, nowhere, timer, opAddCommon, 0, zero,
			opAddCommon, 1, zero, opAddCommon, 1, day, opLoop, once},
		// So much is activated in one pass that the rest is put off, where it
		// is started anew, finalized, activated again and deleted.
		slices.Concat([]byte{one, 0, opSchedule, 0, opLoop, untilEmpty},
			bytes.Repeat([]byte{1, opSchedule, 0}, event.MaxInPass-1),
			[]byte{3, opActivate, 0, forTimeout, opActivate, 1, forTimeout, opActivate, 2, forTimeout,
				3, opAddTimeout, 1, day, opFinalize, 2, opActivate, 3, forTimeout}),
		slices.Concat([]byte{one, 0, opSchedule, 0, opLoop, untilEmpty},
			bytes.Repeat([]byte{1, opSchedule, 0}, event.MaxInPass-2),
			[]byte{3, opSchedule, 0, opSchedule, 1, opActivate, 1, forTimeout,
				3, opSchedule, 0, opSchedule, 0, opActivate, 2, forTimeout,
				3, opDel, 1, 0, opCancel, 0, opLoopBreak, opSchedule, 2, opLoop, untilEmpty}),
	}
}

func randomScript(r *rand.Rand) []byte {
	script := make([]byte, 50+r.IntN(500))
	for i := range script {
		script[i] = byte(r.Uint32())
	}
	return script
}
