// Gzip-echo sends back whatever its clients send, compressed in both directions. It shows a
// filter over a bufferevent: the program sees plain text, and limits and ends work as
// without it. With -trace everything is written to a capture that Wireshark opens, as it is
// between the filter and the network:
//
//	go run ./gzip-echo -addr 127.0.0.1:7779
//	echo hello | gzip -c | nc -N 127.0.0.1 7779 | gzip -dc
//
// Control-C or SIGTERM ends it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/core/listener"
	"github.com/go-libevent/libevent/extra/evfilter"
)

const (
	// maxOutput is how many bytes may wait to be compressed. While there are more, the
	// client is not read, so one that never reads costs no more.
	maxOutput = 128 << 10
	// drainTime is how long a client may take nothing of what is left for it when
	// it has ended its stream.
	drainTime = 30 * time.Second
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("gzip-echo: ")
	addr := flag.String("addr", "127.0.0.1:7779", "listen at this `address`")
	level := flag.Int("level", 0, "compress at this `level`, from 1 to 9; 0 is the default")
	trace := flag.String("trace", "", "write what passes to this `file`, for Wireshark")
	flag.Parse()
	if flag.NArg() > 0 || *level < 0 || *level > 9 {
		flag.Usage()
		os.Exit(2)
	}
	s := &server{cfg: evfilter.Gzip()}
	s.cfg.Out.Level = *level
	if err := s.run(*addr, *trace); err != nil {
		log.Fatal(err)
	}
}

// A server is what all connections have in common.
type server struct {
	base     *event.Base
	cfg      *evfilter.CompressConfig
	recorder *evfilter.PcapngRecorder // or nil
}

// run serves until a signal comes, and writes the capture, if that is wanted.
func (s *server) run(addr, trace string) error {
	if trace == "" {
		return s.serve(addr)
	}
	f, err := os.Create(trace)
	if err != nil {
		return err
	}
	s.recorder = evfilter.NewPcapngRecorder(f)
	err = s.serve(addr)
	return errors.Join(err, s.recorder.Err(), f.Close())
}

// serve serves until a signal comes.
func (s *server) serve(addr string) (err error) {
	if s.base, err = event.NewBase(); err != nil {
		return err
	}
	defer s.base.Free()
	l, err := listener.Listen(s.base, addr, listener.CloseOnFree|listener.Reuseable, listener.DefaultBacklog, s.accept)
	if err != nil {
		return err
	}
	defer l.Free()
	if _, err := fmt.Println("listening on", l.Addr()); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { _ = s.base.LoopExit(0) }) // fails if the loop has ended already, and the base was freed
	return s.base.Dispatch()
}

// accept serves a connection.
func (s *server) accept(_ *listener.Listener, fd int, peer netip.AddrPort) {
	b, err := s.newStream(fd)
	if err == nil {
		b.SetCallbacks(onRead, onWrite, onEvent)
		if err = errors.Join(b.SetWatermark(event.Write, maxOutput/2, 0), b.Enable(event.Read)); err != nil {
			b.Free()
		}
	}
	if err != nil {
		log.Printf("%v: %v", peer, err)
	}
}

// newStream makes the stream of a connection: a socket, perhaps one that traces, and one that
// compresses. Each frees what is below it, also when it fails.
func (s *server) newStream(fd int) (*bufferevent.Bufferevent, error) {
	b, err := bufferevent.NewSocket(s.base, fd, bufferevent.CloseOnFree)
	if err != nil {
		return nil, err
	}
	if s.recorder != nil {
		if b, err = evfilter.NewTraced(b, s.recorder, bufferevent.CloseOnFree); err != nil {
			return nil, err
		}
	}
	return evfilter.NewCompressed(b, s.cfg, bufferevent.CloseOnFree)
}

// onRead sends back what has come.
func onRead(b *bufferevent.Bufferevent) {
	if err := b.WriteBuffer(b.Input()); err != nil {
		b.Free()
		return
	}
	if b.Output().Len() >= maxOutput {
		b.Disable(event.Read)
	}
}

// onWrite is called when no more than the low watermark waits any more.
func onWrite(b *bufferevent.Bufferevent) {
	if b.Enabled()&event.Read != 0 {
		return
	}
	if err := b.Enable(event.Read); err != nil {
		log.Printf("%v: %v", b.PeerAddr(), err)
		b.Free()
	}
}

// onEvent ends the connection: if the client has only ended its stream, once it
// has got everything back.
func onEvent(b *bufferevent.Bufferevent, what bufferevent.Events) {
	switch what.Outcome() {
	case bufferevent.InputEnded:
		b.FreeWhenWrittenFunc(drainTime, logFailure)
	case bufferevent.OutputFailed, bufferevent.TimedOut, bufferevent.Failed:
		logFailure(b.Err())
		b.Free()
	}
}

// logFailure logs why a connection has failed, unless the client is gone.
func logFailure(err error) {
	if err != nil && !evutil.IsDisconnect(err) {
		log.Print(err)
	}
}
