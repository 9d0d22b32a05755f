package server

import (
	"fmt"
	"os"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// gnetEcho handles the events of gnet.
type gnetEcho struct {
	gnet.BuiltinEventEngine
	ready ready
}

// serveGnet runs one event loop, level triggered, which is gnet's default.
// TCP_NODELAY is, too.
func serveGnet(r ready) error {
	return gnet.Run(&gnetEcho{ready: r}, "tcp://"+address,
		gnet.WithNumEventLoop(1),
		gnet.WithTCPNoDelay(gnet.TCPNoDelay),
		gnet.WithLogger(gnetLog{}),
	)
}

// gnetLog keeps standard output to the address: gnet would log to it.
type gnetLog struct{}

func (gnetLog) Debugf(string, ...any)            {}
func (gnetLog) Infof(string, ...any)             {}
func (gnetLog) Warnf(format string, args ...any) { gnetLog{}.Errorf(format, args...) }
func (gnetLog) Errorf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "gnet: "+format+"\n", args...)
}
func (gnetLog) Fatalf(format string, args ...any) {
	gnetLog{}.Errorf(format, args...)
	os.Exit(1)
}

// OnBoot tells the address, which gnet knows only by its descriptor.
func (e *gnetEcho) OnBoot(engine gnet.Engine) gnet.Action {
	fd, err := engine.Dup()
	if err != nil {
		return bootFailed(err)
	}
	defer unix.Close(fd)
	addr, err := localAddr(fd)
	if err != nil {
		return bootFailed(err)
	}
	e.ready(addr)
	return gnet.None
}

// bootFailed ends the engine, which returns no error then.
func bootFailed(err error) gnet.Action {
	fmt.Fprintln(os.Stderr, "gnet:", err)
	return gnet.Shutdown
}

// OnTraffic writes what was read, without copying it first.
func (e *gnetEcho) OnTraffic(c gnet.Conn) gnet.Action {
	p, err := c.Next(-1)
	if err != nil {
		return gnet.Close
	}
	if _, err := c.Write(p); err != nil {
		return gnet.Close
	}
	return gnet.None
}
