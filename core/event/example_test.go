package event_test

import (
	"context"
	"fmt"
	"time"

	"github.com/go-libevent/libevent/core/event"
)

func Example() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()

	ticks := 0
	ticker := base.NewTicker(func(ev *event.Event, what event.What) {
		ticks++
		fmt.Println(what, ticks)
		if ticks == 3 {
			ev.Del() // nothing is left to wait for, so the loop ends
		}
	})
	ticker.AddTimeout(time.Millisecond)

	if err := base.Dispatch(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Timeout 1
	// Timeout 2
	// Timeout 3
}

func ExampleBase_Post() {
	base, _ := event.NewBase()
	defer base.Free()

	go func() {
		sum := 1 + 1 // work that takes long, done elsewhere
		base.Post(func() {
			fmt.Println("back on the loop with", sum)
			base.LoopExit(0)
		})
	}()
	base.Loop(event.LoopNoExitOnEmpty)
	// Output: back on the loop with 2
}

func ExampleBase_Call() {
	base, _ := event.NewBase()
	defer base.Free()
	base.Data = map[string]int{"connections": 3} // the loop's own, without a lock

	ctx, cancel := context.WithCancel(context.Background())
	go func() { // say, a page with statistics
		defer cancel()
		n := 0
		if err := base.Call(ctx, func() { n = base.Data.(map[string]int)["connections"] }); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("connections:", n)
	}()
	base.Run(ctx)
	// Output: connections: 3
}

func ExampleBase_Run() {
	base, _ := event.NewBase()
	defer base.Free()

	ctx, cancel := context.WithCancel(context.Background())
	base.Once(-1, event.Timeout, 0, func(*event.Event, event.What) { cancel() })
	fmt.Println(base.Run(ctx))
	// Output: context canceled
}

func ExampleEvent_Assign() {
	base, _ := event.NewBase()
	defer base.Free()

	// A connection that holds its events costs one allocation in all.
	type conn struct {
		name string
		idle event.Event
	}
	timedOut := func(ev *event.Event, _ event.What) {
		fmt.Println(ev.Data.(*conn).name, "was idle for too long")
	}
	c := &conn{name: "alice"}
	c.idle.AssignTimer(base, timedOut)
	c.idle.Data = c
	c.idle.AddTimeout(time.Millisecond)
	base.Dispatch()
	// Output: alice was idle for too long
}

func ExampleEvent_SetPriority() {
	base, _ := event.NewBase()
	defer base.Free()
	base.SetPriorities(2)

	say := func(ev *event.Event, _ event.What) { fmt.Println(ev.Data) }
	later := base.NewUser(say)
	later.Data = "the rest"
	later.SetPriority(1)
	first := base.NewUser(say)
	first.Data = "the urgent"
	first.SetPriority(0)

	later.Activate(0)
	first.Activate(0)
	base.Dispatch()
	// Output:
	// the urgent
	// the rest
}

func ExampleBase_NewPrepare() {
	base, _ := event.NewBase()
	defer base.Free()

	base.NewPrepare(func(_ *event.Watcher, info event.PrepareInfo) {
		_, limited := info.Timeout()
		fmt.Println("about to wait, with a limit:", limited)
	})
	base.NewTimer(nil).AddTimeout(time.Hour)
	base.Loop(event.LoopNonblock)
	// Output: about to wait, with a limit: true
}
