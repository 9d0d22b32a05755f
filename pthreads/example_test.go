package pthreads_test

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-libevent/libevent/core/evthread"
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
