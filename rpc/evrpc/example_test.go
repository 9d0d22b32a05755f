package evrpc_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/rpc/evrpc"
)

// greeter makes a server of one RPC and a pool for it on one loop. Text is a message with a text.
func greeter(base *event.Base) (*evrpc.Server, *evrpc.Pool, error) {
	web := evhttp.NewServer(base)
	server, err := evrpc.NewServer(web, nil)
	if err != nil {
		return nil, nil, err
	}
	err = evrpc.Register(server, "Greet", func(c *evrpc.Call[Text, Text]) {
		c.Reply().SetText("Hello, " + c.Request().Text())
		if err := c.Done(); err != nil {
			fmt.Println(err)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	bound, err := web.Listen("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	pool, err := evrpc.NewPool(base, &evrpc.PoolConfig{Timeout: time.Minute})
	if err != nil {
		return nil, nil, err
	}
	return server, pool, pool.AddConns(bound.AddrPort().String(), 2, nil)
}

// A call on the loop has a callback.
func Example() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	_, pool, err := greeter(base)
	if err != nil {
		fmt.Println(err)
		return
	}

	name := new(Text)
	name.SetText("Ada")
	_, err = evrpc.MakeRequest(pool, "Greet", name, func(reply *Text, err error) {
		if err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(reply.Text())
		}
		base.LoopExit(0)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	base.Dispatch()
	// Output: Hello, Ada
}

// Other goroutines wait for the reply.
func ExampleInvoke() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	_, pool, err := greeter(base)
	if err != nil {
		fmt.Println(err)
		return
	}

	go func() {
		defer base.LoopExit(0)
		name := new(Text)
		name.SetText("Grace")
		reply, err := evrpc.Invoke[Text](context.Background(), pool, "Greet", name)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(reply.Text())

		_, err = evrpc.Invoke[Text](context.Background(), pool, "Greed", name)
		var e *evrpc.Error
		fmt.Println(errors.As(err, &e), e.Status == evrpc.StatusBadPayload, e.Code)
	}()
	base.Dispatch()
	// Output:
	// Hello, Grace
	// true true 404
}

// Hooks see messages as they are sent: here those of the server ask for a password, which
// that of the pool has.
func ExampleServer_AddHook() {
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	server, pool, err := greeter(base)
	if err != nil {
		fmt.Println(err)
		return
	}
	server.AddHook(evrpc.InputHook, func(x *evrpc.Exchange, body *evbuffer.Buffer) evrpc.HookResult {
		if x.HTTP().InputHeaders().Get("Password") != "sesame" {
			return evrpc.HookTerminate
		}
		return evrpc.HookContinue
	})

	name := new(Text)
	name.SetText("Ada")
	_, err = evrpc.MakeRequest(pool, "Greet", name, func(_ *Text, err error) {
		fmt.Println(err)
		pool.AddHook(evrpc.OutputHook, func(x *evrpc.Exchange, body *evbuffer.Buffer) evrpc.HookResult {
			x.HTTP().OutputHeaders().Add("Password", "sesame")
			return evrpc.HookContinue
		})
		evrpc.MakeRequest(pool, "Greet", name, func(reply *Text, err error) {
			fmt.Println(reply.Text(), err)
			base.LoopExit(0)
		})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	base.Dispatch()
	// Output:
	// evrpc: call Greet: bad payload: answer is no success: 503
	// Hello, Ada <nil>
}
