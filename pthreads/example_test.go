package pthreads_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evthread"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/pthreads"
)

func ExampleUse() {
	if err := pthreads.Use(); err != nil {
		fmt.Println(err)
		return
	}
	// Bases made from here on may be used from any goroutine. So may locks
	// made by hand:
	lock, err := evthread.NewLock(evthread.Recursive)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer evthread.FreeLock(lock, evthread.Recursive)

	var wg sync.WaitGroup
	count := 0
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				lock.Lock(0)
				count++
				lock.Unlock(0)
			}
		})
	}
	wg.Wait()
	fmt.Println(count)
	// Output: 4000
}

func ExampleUse_conditions() {
	if err := pthreads.Use(); err != nil {
		fmt.Println(err)
		return
	}
	lock, err := evthread.NewLock(evthread.Recursive)
	if err != nil {
		fmt.Println(err)
		return
	}
	filled, err := evthread.NewCond()
	if err != nil {
		fmt.Println(err)
		return
	}

	var queue []string
	go func() {
		lock.Lock(0)
		defer lock.Unlock(0)
		queue = append(queue, "hello")
		filled.Signal(false)
	}()

	lock.Lock(0)
	defer lock.Unlock(0)
	for len(queue) == 0 {
		timedOut, err := filled.Wait(lock, time.Minute)
		if err != nil || timedOut {
			fmt.Println("nothing came:", err)
			return
		}
	}
	fmt.Println(queue[0])
	// Output: hello
}

func ExampleUseWithFlags() {
	err := pthreads.UseWithFlags(pthreads.PrioInherit)
	switch {
	case err == nil:
		fmt.Println("locks inherit priorities")
	case errors.Is(err, errors.ErrUnsupported):
		fmt.Println("this system has no such locks")
	case errors.Is(err, evthread.ErrInstalled):
		fmt.Println("too late, other locks are in use")
	}
}

func ExampleGroup() {
	g, err := pthreads.NewGroup(&pthreads.GroupConfig{Loops: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	addr, err := g.Listen("127.0.0.1:0", func(_ *event.Base, fd int, peer netip.AddrPort) {
		fmt.Println("connection from", peer.Addr())
		evutil.CloseSocket(fd)
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		fmt.Println(err)
		return
	}
	io.Copy(io.Discard, conn) // until the group has closed the other end
	conn.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println("stopped:", g.Stop(ctx))
	// Output:
	// connection from 127.0.0.1
	// stopped: <nil>
}
