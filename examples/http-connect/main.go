// Http-connect asks a web server for a page through the tunnel that a proxy makes
// (CONNECT), step by step: a request to the proxy, its stream taken over, and
// another request on that. The client of evhttp does all that by itself for https;
// see https-client.
//
//	go run ./http-connect 127.0.0.1:3128 http://example.com/
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/url"
	"os"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/usage"
	"github.com/go-libevent/libevent/http/evhttp"
)

// options are what the arguments say.
type options struct {
	proxyHost string
	proxyPort int
	target    *url.URL
	authority string // of the target, with its port
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("http-connect: ")
	o, err := parse()
	if err != nil {
		log.Print(err)
		flag.Usage()
		os.Exit(2)
	}
	if err := o.run(); err != nil {
		log.Fatal(err)
	}
}

func parse() (*options, error) {
	usage.Set("PROXY is the host:port of a web proxy, URL what to get through it (http only).", "PROXY URL")
	flag.Parse()
	if flag.NArg() != 2 {
		return nil, errors.New("the host:port of a proxy and a URL are wanted")
	}
	host, service, err := net.SplitHostPort(flag.Arg(0))
	if err != nil {
		return nil, err
	}
	o := &options{proxyHost: host}
	if o.proxyPort, err = net.LookupPort("tcp", service); err != nil {
		return nil, err
	}
	if o.proxyHost == "" || o.proxyPort == 0 {
		return nil, fmt.Errorf("%q is no host:port of a proxy", flag.Arg(0))
	}
	if o.target, err = url.Parse(flag.Arg(1)); err != nil {
		return nil, err
	}
	if o.target.Scheme != "http" || o.target.Hostname() == "" {
		return nil, fmt.Errorf("%q is no URL of http", flag.Arg(1))
	}
	port := o.target.Port()
	if port == "" {
		port = "80"
	}
	o.authority = net.JoinHostPort(o.target.Hostname(), port)
	return o, nil
}

// run ends when there is nothing left to wait for: after the page, or an error.
func (o *options) run() error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	proxy, err := evhttp.NewClientConn(base, o.proxyHost, o.proxyPort, nil)
	if err != nil {
		return err
	}
	_ = proxy.FreeOnCompletion() // fails only after Free
	var result error
	connect := evhttp.NewRequest(func(r *evhttp.Request) {
		if err := o.through(r, &result); err != nil {
			result = err
		}
	})
	if err := proxy.MakeRequest(connect, evhttp.MethodConnect, o.authority); err != nil {
		proxy.Free()
		return err
	}
	return errors.Join(base.Dispatch(), result)
}

// through is called with the proxy's answer. It asks for the page on the stream
// that the proxy has connected to the server.
func (o *options) through(r *evhttp.Request, result *error) error {
	switch {
	case r.Err() != nil:
		return r.Err()
	case r.ResponseCode()/100 != 2:
		return fmt.Errorf("the proxy says %d %s", r.ResponseCode(), r.Reason())
	}
	stream, err := r.Hijack()
	if err != nil {
		return err
	}
	conn, err := evhttp.NewClientConnReuse(stream, o.target.Host, nil)
	if err != nil {
		stream.Free()
		return err
	}
	page := evhttp.NewRequest(func(r *evhttp.Request) { *result = write(r) })
	_ = page.OutputHeaders().Add("Connection", "close") // a field that is valid
	_ = conn.FreeOnCompletion()                         // fails only after Free
	return conn.MakeRequest(page, evhttp.MethodGet, o.target.RequestURI())
}

// write writes the page to standard output.
func write(r *evhttp.Request) error {
	if r.Err() != nil {
		return r.Err()
	}
	log.Printf("%d %s", r.ResponseCode(), r.Reason())
	_, err := r.Input().WriteTo(os.Stdout)
	return err
}
