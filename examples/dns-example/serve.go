package main

import (
	"net/netip"
	"syscall"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/dnsport"
	"github.com/go-libevent/libevent/examples/internal/output"
)

// serve answers with what a zone has until a signal comes.
func serve(addr netip.AddrPort, z *zone) error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	ports, err := dnsport.Open(base, addr, z.answer)
	if err != nil {
		return err
	}
	defer ports.Close()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ev, err := base.NewSignal(sig, func(*event.Event, event.What) { base.LoopBreak() })
		if err != nil {
			return err
		}
		if err := ev.Add(); err != nil {
			return err
		}
	}
	output.Println("listening on", ports.Addr())
	if err := output.Err(); err != nil {
		return err
	}
	return base.Dispatch()
}
