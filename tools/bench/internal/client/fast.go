package client

import "github.com/valyala/fasthttp"

// askFastHTTP asks with fasthttp, in goroutines that share a client for one host,
// which keeps a connection for each. Requests and responses are used again.
func askFastHTTP(t task) error {
	c := &fasthttp.HostClient{
		Addr:                     t.addr.String(),
		MaxConns:                 t.atOnce,
		NoDefaultUserAgentHeader: true,
	}
	url := t.url()
	return t.repeat(func() error {
		request, response := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(request)
		defer fasthttp.ReleaseResponse(response)
		request.SetRequestURI(url)
		if err := c.Do(request, response); err != nil {
			return err
		}
		return t.check(response.StatusCode(), len(response.Body()))
	})
}
