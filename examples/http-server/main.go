// Http-server serves the files of a folder, with listings of its folders, and
// answers /dump with what it was asked:
//
//	go run ./http-server -addr 127.0.0.1:8080 -root .
//	curl http://127.0.0.1:8080/
//	curl -d 'some body' http://127.0.0.1:8080/dump
//
// With -cert and -key it speaks TLS, and with -unix it listens at a Unix socket,
// too. Each request is a line of an access log on standard output. Control-C or
// SIGTERM ends it when all that was asked has been answered, and a second one at
// once.
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evutil"
	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// options are what the flags say.
type options struct {
	addr     netip.AddrPort
	root     string
	unix     string
	identity tlsconf.Identity
	maxBody  int64
	quiet    bool
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("http-server: ")
	var o options
	flag.TextVar(&o.addr, "addr", netip.MustParseAddrPort("127.0.0.1:8080"), "listen at this `IP:port`")
	flag.StringVar(&o.root, "root", ".", "serve the files of this `folder`")
	flag.StringVar(&o.unix, "unix", "", "listen at the Unix socket of this `path`, too")
	flag.Int64Var(&o.maxBody, "max-body", evhttp.DefaultMaxBodySize, "take no more than so many `bytes` with a request")
	flag.BoolVar(&o.quiet, "q", false, "write no access log")
	o.identity.Flags(flag.CommandLine)
	flag.Parse()
	err := o.identity.Check()
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("argument %q is one too many", flag.Arg(0))
	case o.maxBody < 1:
		err = errors.New("-max-body is too small")
	}
	if err != nil {
		log.Print(err)
		flag.Usage()
		os.Exit(2)
	}
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

func (o *options) run() error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	files, err := evhttp.NewFileServer(o.root)
	if err != nil {
		return err
	}
	defer files.Close()
	files.Listings = true

	server := evhttp.NewServer(base)
	defer server.Free()
	server.SetMaxBodySize(o.maxBody)
	server.SetGenericCallback(files.Serve)
	if err := server.Handle("/dump", dump); err != nil {
		return err
	}
	scheme, err := o.secure(server)
	if err != nil {
		return err
	}
	if !o.quiet {
		server.SetAccessLog(os.Stdout)
	}
	if err := o.listen(server, scheme); err != nil {
		return err
	}
	if err := endOnSignals(base, server); err != nil {
		return err
	}
	return base.Dispatch()
}

// listen begins to accept connections, and tells where.
func (o *options) listen(server *evhttp.Server, scheme string) error {
	bound, err := server.Bind(o.addr)
	if err != nil {
		return err
	}
	if o.unix != "" {
		if _, err := server.BindUnix(o.unix); err != nil {
			return err
		}
	}
	fmt.Printf("serving %s at %s://%s/\n", o.root, scheme, bound.AddrPort())
	return nil
}

// secure makes the server speak TLS if there is a certificate, and returns the
// scheme of its URLs.
func (o *options) secure(server *evhttp.Server) (scheme string, err error) {
	if !o.identity.Given() {
		return "http", nil
	}
	cert, err := o.identity.Certificate()
	if err != nil {
		return "", err
	}
	cfg := &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1", "http/1.0"}}}
	server.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
		b, err := evtls.NewSocket(base, fd, evtls.Accepting, cfg, bufferevent.CloseOnFree)
		if err != nil {
			evutil.CloseSocket(fd)
		}
		return b, err
	})
	return "https", nil
}

// dump answers with what the client has sent.
func dump(r *evhttp.Request) {
	out := r.Output()
	fmt.Fprintf(out, "%s %s HTTP/%d.%d\n", r.Method(), r.URI(), r.Major(), r.Minor())
	for name, value := range r.InputHeaders().All() {
		fmt.Fprintf(out, "%s: %s\n", name, value)
	}
	fmt.Fprintf(out, "\n")
	out.AddBuffer(r.Input())
	for name, value := range r.InputTrailers().All() {
		fmt.Fprintf(out, "\ntrailer %s: %s", name, value)
	}
	r.OutputHeaders().Add("Content-Type", "text/plain; charset=utf-8")
	if err := r.SendReply(200, "", nil); err != nil {
		log.Print(err)
	}
}

// endOnSignals ends the loop: when the connections have ended, or at the second
// signal.
func endOnSignals(base *event.Base, server *evhttp.Server) error {
	ending := false
	onSignal := func(*event.Event, event.What) {
		if ending {
			base.LoopBreak()
			return
		}
		ending = true
		server.Shutdown(10*time.Second, func(err error) {
			if err != nil {
				log.Print(err)
			}
			base.LoopBreak()
		})
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ev, err := base.NewSignal(sig, onSignal)
		if err != nil {
			return err
		}
		if err := ev.Add(); err != nil {
			return err
		}
	}
	return nil
}
