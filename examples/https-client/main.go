// Https-client asks a web server for something, and writes the answer to standard
// output. It shows the client of evhttp: https by evtls with certificates that
// are verified, a proxy, retries, timeouts, a body that is sent as it is read from
// a file, and one that is written as it comes:
//
//	go run ./https-client https://example.com/
//	go run ./https-client -data form.txt -v http://127.0.0.1:8080/post
//
// It ends with exit code 0 if the answer has a code below 400. Control-C ends it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/examples/internal/tlsconf"
	"github.com/go-libevent/libevent/examples/internal/usage"
	"github.com/go-libevent/libevent/http/evhttp"
	"github.com/go-libevent/libevent/openssl/evtls"
)

// options are what the flags say.
type options struct {
	url          *url.URL
	data         string
	proxy        *url.URL
	retries      int
	timeout      time.Duration
	verbose      bool
	verification tlsconf.Verification
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("https-client: ")
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
	var o options
	flag.StringVar(&o.data, "data", "", "post what is in this `file`")
	proxy := flag.String("proxy", "", "go through the proxy with this `URL`, instead of what the environment says")
	flag.IntVar(&o.retries, "retries", 0, "try to connect up to `count` times more")
	flag.DurationVar(&o.timeout, "timeout", evhttp.DefaultResponseTimeout, "wait no longer for the server")
	flag.BoolVar(&o.verbose, "v", false, "tell of the answer's header on standard error")
	o.verification.Flags(flag.CommandLine)
	o.verification.CAFlag(flag.CommandLine, "trust the certificates in this PEM `file`, instead of the system's")
	usage.Set("The body that URL (http or https) leads to is written to standard output.", "[flags] URL")
	flag.Parse()
	if flag.NArg() != 1 {
		return nil, errors.New("one URL is wanted")
	}
	var err error
	if o.url, err = url.Parse(flag.Arg(0)); err != nil {
		return nil, err
	}
	if o.url.Scheme != "http" && o.url.Scheme != "https" || o.url.Host == "" {
		return nil, fmt.Errorf("%q is no URL of http or https", flag.Arg(0))
	}
	if *proxy != "" {
		if o.proxy, err = url.Parse(*proxy); err != nil || o.proxy.Host == "" {
			return nil, fmt.Errorf("%q is no URL of a proxy", *proxy)
		}
	}
	if o.retries < 0 || o.timeout < 0 {
		return nil, errors.New("-retries or -timeout is too small")
	}
	return &o, o.verification.Check()
}

// config is that of the client.
func (o *options) config() *evhttp.ClientConfig {
	cfg := &evhttp.ClientConfig{Secure: o.secure, Proxy: evhttp.ProxyFromEnvironment()}
	if o.proxy != nil {
		cfg.Proxy = func(*url.URL) (*url.URL, error) { return o.proxy, nil }
	}
	cfg.SetUp = func(c *evhttp.ClientConn) error {
		return errors.Join(c.SetRetries(o.retries), c.SetTimeout(o.timeout), c.SetConnectTimeout(o.timeout))
	}
	return cfg
}

// secure makes the TLS stream to a host, over the tunnel through a proxy if there
// is one.
func (o *options) secure(base *event.Base, under *bufferevent.Bufferevent, host string) (*bufferevent.Bufferevent, error) {
	cfg, err := o.verification.Client(host)
	if err != nil {
		return nil, err
	}
	cfg.NextProtos = []string{"http/1.1"}
	// Many servers end without the farewell of TLS. A body that lasts until then
	// is taken for whole only if there was one.
	tls := &evtls.Config{TLS: cfg}
	if under != nil {
		return evtls.NewFilter(under, evtls.Connecting, tls, bufferevent.CloseOnFree)
	}
	return evtls.NewSocket(base, -1, evtls.Connecting, tls, bufferevent.CloseOnFree)
}

// An exchange is the request and its answer.
type exchange struct {
	options *options
	base    *event.Base
	request *evhttp.Request
	file    *os.File // that is posted, or nil
	err     error
	over    bool
}

func (o *options) run() error {
	base, err := event.NewBase()
	if err != nil {
		return err
	}
	defer base.Free()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ev, err := base.NewSignal(sig, func(*event.Event, event.What) { base.LoopBreak() })
		if err != nil {
			return err
		}
		if err := ev.Add(); err != nil {
			return err
		}
	}
	client, err := evhttp.NewClient(base, o.config())
	if err != nil {
		return err
	}
	defer client.Free()
	x := &exchange{options: o, base: base}
	if err := x.begin(client); err != nil {
		return err
	}
	if x.over { // LoopBreak has no effect on a loop that does not run yet
		return x.err
	}
	if err := base.Dispatch(); err != nil {
		return err
	}
	if !x.over {
		return errors.New("interrupted")
	}
	return x.err
}

// begin sends the request.
func (x *exchange) begin(client *evhttp.Client) error {
	r := evhttp.NewRequest(x.done)
	x.request = r
	_ = r.OutputHeaders().Add("User-Agent", "https-client") // a field that is valid
	r.SetHeaderCallback(x.header)
	r.SetChunkCallback(x.chunk)
	if x.options.data == "" {
		return client.MakeRequest(r, evhttp.MethodGet, x.options.url.String())
	}
	file, err := os.Open(x.options.data)
	if err != nil {
		return err
	}
	x.file = file
	_ = r.OutputHeaders().Add("Content-Type", "application/octet-stream") // a field that is valid
	return client.StartRequest(r, evhttp.MethodPost, x.options.url.String(), func(*evhttp.Request) { x.send() })
}

// send sends the next part of the file, when the one before has left.
func (x *exchange) send() {
	var part evbuffer.Buffer
	data := make([]byte, 64<<10)
	n, err := x.file.Read(data)
	_ = part.Add(data[:n]) // in memory, at an end that is not frozen
	switch {
	case n > 0:
		err = x.request.SendReplyChunkFunc(&part, x.send)
	case err == io.EOF:
		err = x.request.SendReplyEnd()
	}
	if err != nil {
		x.fail(err)
	}
}

// header is called when the answer's header has come.
func (x *exchange) header(r *evhttp.Request) bool {
	if x.options.verbose {
		log.Printf("HTTP/1.%d %d %s", r.Minor(), r.ResponseCode(), r.Reason())
		for name, value := range r.InputHeaders().All() {
			log.Printf("%s: %s", name, value)
		}
	}
	return true
}

// chunk writes some of the body. Standard output may be slow, and the loop waits
// for it; there is nothing else to do.
func (x *exchange) chunk(r *evhttp.Request) {
	if _, err := r.Input().WriteTo(os.Stdout); err != nil {
		x.fail(err)
	}
}

// done is called when all is over.
func (x *exchange) done(r *evhttp.Request) {
	err := r.Err()
	if err == nil && r.ResponseCode() >= 400 {
		err = fmt.Errorf("%d %s", r.ResponseCode(), r.Reason())
	}
	x.fail(err)
}

// fail ends the program. The first reason counts.
func (x *exchange) fail(err error) {
	if x.over {
		return
	}
	x.over, x.err = true, err
	if x.file != nil {
		x.file.Close()
	}
	x.base.LoopBreak()
}
