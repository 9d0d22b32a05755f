// Http-server serves the files of a folder over HTTP or HTTPS: whole or in ranges,
// unless the client has them already, and lists of folders. It shows an HTTP server
// on any number of loops, with TLS, files that go out at the pace of their clients,
// an access log, and how to stop without cutting a client off:
//
//	go run ./http-server -addr 127.0.0.1:8080 -root .
//	curl -i http://127.0.0.1:8080/
//
// Behind a load balancer, -proxy-protocol 10.0.0.0/8 believes what those peers say of
// their clients, by the PROXY protocol, and refuses others.
//
// /dump answers with the request as it has come. Names that begin with a dot are
// not served. Control-C or SIGTERM ends it when what has begun is sent, or after a
// while; a second one at once.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/extra/evproxy"
	"github.com/go-libevent/libevent/http/evfile"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/openssl/evtls"
	"github.com/go-libevent/libevent/pthreads"
)

// stopTime is how long a stop waits for answers that have begun.
const stopTime = 10 * time.Second

// options are the flags.
type options struct {
	addr, root string
	loops      int
	quiet      bool
	proxies    string
	trust      evproxy.Trust // what proxies says, or nil
	identity   tlsconf.Identity
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("http-server: ")
	var o options
	flag.StringVar(&o.addr, "addr", "127.0.0.1:8080", "listen at this `host:port`")
	flag.StringVar(&o.root, "root", ".", "serve the files in this `folder`")
	flag.IntVar(&o.loops, "loops", 1, "run `count` loops that share the connections")
	flag.BoolVar(&o.quiet, "q", false, "write no access log to standard output")
	flag.StringVar(&o.proxies, "proxy-protocol", "", "want the PROXY protocol from peers in these `prefixes`, such as 10.0.0.0/8,::1, and from no others")
	o.identity.Flags(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 || o.loops < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := o.check(); err != nil {
		log.Print(err)
		os.Exit(2)
	}
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

// check looks for flags that make no sense.
func (o *options) check() (err error) {
	if o.proxies != "" {
		if o.trust, err = evproxy.ParseTrust(o.proxies); err != nil {
			return err
		}
	}
	return o.identity.Check()
}

// run serves until a signal comes.
func (o *options) run() error {
	files, err := evfile.NewServer(o.root)
	if err != nil {
		return err
	}
	defer files.Close()
	files.Listing = true
	scheme, secure, err := o.secure()
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	servers := evhttp.NewServers(func(s *evhttp.Server) error {
		if secure != nil {
			s.SetStreamFunc(func(base *event.Base, fd int) (*bufferevent.Bufferevent, error) {
				return evtls.NewSocket(base, fd, evtls.Accepting, secure, bufferevent.CloseOnFree)
			})
		}
		s.SetGenericCallback(files.Serve)
		if !o.quiet {
			s.SetAccessLog(os.Stdout)
		}
		return s.Handle("/dump", dump)
	})
	group, addr, err := pthreads.Serve(&pthreads.GroupConfig{Loops: o.loops}, o.addr, o.service(servers, secure))
	if err != nil {
		return err
	}
	if _, err := fmt.Printf("listening on %s://%s/\n", scheme, addr); err != nil {
		return errors.Join(err, group.Stop(context.Background()))
	}
	go stopOnSignals(signals, group, servers)
	return group.Wait()
}

// secure returns the scheme, and the configuration of TLS if there is a certificate.
func (o *options) secure() (scheme string, cfg *evtls.Config, err error) {
	if !o.identity.Given() {
		return "http", nil, nil
	}
	cert, err := o.identity.Certificate()
	if err != nil {
		return "", nil, err
	}
	return "https", &evtls.Config{TLS: &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1", "http/1.0"}}}, nil
}

// service returns what the loops do with connections.
func (o *options) service(servers *evhttp.Servers, secure *evtls.Config) pthreads.Service {
	if o.trust == nil {
		return servers
	}
	return &proxied{Servers: servers, cfg: &evproxy.Config{Trust: o.trust}, tls: secure}
}

// stopOnSignals stops with the first signal: what has begun is answered, for a
// while. The second signal ends the waiting.
func stopOnSignals(signals <-chan os.Signal, group *pthreads.Group, servers *evhttp.Servers) {
	<-signals
	group.StopListening()
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	go func() {
		<-signals
		cancel()
	}()
	if err := servers.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		log.Print(err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := group.Stop(ctx); err != nil {
		log.Print(err)
	}
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
