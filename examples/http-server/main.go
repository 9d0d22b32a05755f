// Http-server serves the files of a folder over HTTP or HTTPS: whole or in ranges,
// unless the client has them already, and lists of folders. It shows an HTTP server
// with TLS, files that go out at the pace of their clients, an access log, and how
// to stop without cutting anybody off:
//
//	go run ./http-server -addr 127.0.0.1:8080 -root .
//	curl -i http://127.0.0.1:8080/
//
// /dump answers with the request as it has come. Names that begin with a dot are
// not served. Control-C or SIGTERM ends it when what has begun is sent, or after a
// while; a second one at once.
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/http/evfile"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// stopTime is how long a stop waits for answers that have begun.
const stopTime = 10 * time.Second

// options are the flags.
type options struct {
	addr, root string
	quiet      bool
	identity   tlsconf.Identity
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("http-server: ")
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:8080", "listen at this `host:port`")
	flag.StringVar(&o.root, "root", ".", "serve the files in this `folder`")
	flag.BoolVar(&o.quiet, "q", false, "write no access log to standard output")
	o.identity.Flags(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := o.identity.Check(); err != nil {
		log.Print(err)
		os.Exit(2)
	}
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

// run serves until a signal comes.
func (o *options) run() error {
	addr, err := resolve(o.addr)
	if err != nil {
		return err
	}
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	files, err := evfile.NewServer(o.root)
	if err != nil {
		return err
	}
	defer files.Close()
	files.Listing = true

	s := evhttp.NewServer(base)
	defer s.Free()
	s.SetGenericCallback(files.Serve)
	if err := s.Handle("/dump", dump); err != nil {
		return err
	}
	if !o.quiet {
		s.SetAccessLog(os.Stdout)
	}
	scheme, err := o.secure(s)
	if err != nil {
		return err
	}
	if err := stopOnSignals(base, s); err != nil {
		return err
	}
	bound, err := s.Bind(addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Printf("listening on %s://%s/\n", scheme, bound.AddrPort()); err != nil {
		return err
	}
	return base.Dispatch()
}

// resolve returns the address that host:port stands for.
func resolve(addr string) (netip.AddrPort, error) {
	found, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if found.IP == nil {
		found.IP = net.IPv6unspecified
	}
	a := found.AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), nil
}

// secure has the server speak TLS if there is a certificate, and returns the
// scheme.
func (o *options) secure(s *evhttp.Server) (scheme string, err error) {
	if !o.identity.Given() {
		return "http", nil
	}
	cert, err := o.identity.Certificate()
	if err != nil {
		return "", err
	}
	cfg := &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1", "http/1.0"}}}
	s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
		return evtls.NewSocket(base, fd, evtls.Accepting, cfg, bufferevent.CloseOnFree)
	})
	return "https", nil
}

// stopOnSignals stops the server and the loop with the first signal, and the loop
// with the second.
func stopOnSignals(base *event.Base, s *evhttp.Server) error {
	stopping := false
	stop := func(*event.Event, event.What) {
		if stopping {
			base.LoopBreak()
			return
		}
		stopping = true
		err := s.Shutdown(stopTime, func(err error) {
			if err != nil {
				log.Print(err)
			}
			base.LoopBreak()
		})
		if err != nil {
			log.Print(err)
			base.LoopBreak()
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ev, err := base.NewSignal(sig, stop)
		if err == nil {
			err = ev.Add()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dump answers with the request. What is added to the output is in memory.
func dump(r *evhttp.Request) {
	out := r.Output()
	_, _ = fmt.Fprintf(out, "%s %s HTTP/%d.%d\n", r.Method(), r.URI(), r.Major(), r.Minor())
	for name, value := range r.InputHeaders().All() {
		_, _ = fmt.Fprintf(out, "%s: %s\n", name, value) // in memory
	}
	_ = out.AddString("\n") // in memory, at an end that is not frozen
	_, err := io.Copy(out, r.Input())
	for name, value := range r.InputTrailers().All() {
		_, _ = fmt.Fprintf(out, "\n%s: %s", name, value) // in memory
	}
	h := r.OutputHeaders()
	err = errors.Join(err, h.Set("Content-Type", "text/plain; charset=utf-8"), h.Set("X-Content-Type-Options", "nosniff"), h.Set("Cache-Control", "no-store"))
	if err == nil {
		err = r.SendReply(200, "", nil)
	}
	if err != nil {
		log.Print(err)
	}
}
