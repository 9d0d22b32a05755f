package server

import (
	"net"

	"github.com/valyala/fasthttp"
)

// serveFastHTTP runs a server of fasthttp, with its defaults, but without the
// Server field, which the others do not send. Bodies are not copied.
func serveFastHTTP(r ready) error {
	bodies := httpBodies()
	s := &fasthttp.Server{
		NoDefaultServerHeader: true,
		Handler: func(ctx *fasthttp.RequestCtx) {
			body, ok := bodies[string(ctx.Path())]
			if !ok {
				ctx.NotFound()
				return
			}
			ctx.SetContentType(httpType)
			ctx.Response.SetBodyRaw(body)
		},
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	r(listener.Addr())
	return s.Serve(listener)
}
