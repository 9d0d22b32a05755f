//go:build amd64 || arm64

package server

import (
	"context"

	"github.com/cloudwego/netpoll"
)

// serveNetpoll runs one poller, and requests in netpoll's own pool of
// goroutines, which is its default. It sets TCP_NODELAY by itself.
func serveNetpoll(r ready) error {
	if err := netpoll.Configure(netpoll.Config{PollerNum: 1}); err != nil {
		return err
	}
	listener, err := netpoll.CreateListener("tcp", address)
	if err != nil {
		return err
	}
	loop, err := netpoll.NewEventLoop(onNetpollRequest)
	if err != nil {
		return err
	}
	r(listener.Addr())
	return loop.Serve(listener)
}

// onNetpollRequest writes what was read. The input is given back only when it
// has been written, because large writes refer to it.
func onNetpollRequest(_ context.Context, conn netpoll.Connection) error {
	reader, writer := conn.Reader(), conn.Writer()
	p, err := reader.Next(reader.Len())
	if err != nil {
		return err
	}
	if _, err := writer.WriteBinary(p); err != nil {
		return err
	}
	if err := writer.Flush(); err != nil {
		return err
	}
	return reader.Release()
}
