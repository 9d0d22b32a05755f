package client

import (
	"errors"
	"net/rpc"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/rpc/evrpc"
	"github.com/go-libevent/libevent/tools/bench/internal/greeting"
)

var errReply = errors.New("another reply")

// callOurs calls with evrpc, by a pool with a connection for each call that is under way,
// which is used again.
func callOurs(t task) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	pool, err := evrpc.NewPool(base, nil)
	if err != nil {
		return err
	}
	if err := pool.AddConns(t.addr.String(), t.atOnce, nil); err != nil {
		return err
	}
	var failed error
	again := func(c *evrpc.ClientCall) {
		err := c.Err()
		if err == nil && !greeting.Good(c.Reply().(*greeting.Greeting), t.size) {
			err = errReply
		}
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			failed = err
			base.LoopBreak()
		}
	}
	for range t.atOnce {
		if _, err := pool.MakeRequest(greeting.Name, greeting.New(t.size), new(greeting.Greeting), again); err != nil {
			return err
		}
	}
	return errors.Join(base.Dispatch(), failed)
}

// callNet calls with net/rpc, in goroutines with a connection each.
func callNet(t task) error {
	request := greeting.NewNet(t.size)
	failed := make(chan error, t.atOnce)
	for range t.atOnce {
		client, err := rpc.Dial("tcp", t.addr.String())
		if err != nil {
			return err
		}
		go func() {
			for {
				var reply greeting.Net
				err := client.Call(greeting.NetName, request, &reply)
				if err == nil && len(reply.Lines) != t.size {
					err = errReply
				}
				if err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}
